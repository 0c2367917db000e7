import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A feed in a process of its own, and the socket that it dials. */
export interface FeedProcess {
  readonly pid: number;
  readonly ended: Promise<void>;
  end(): Promise<void>;
}

export async function startFeed(generation: string, onStream: (stream: Socket) => void): Promise<FeedProcess> {
  const folder = mkdtempSync(join(tmpdir(), "feed-"));
  const path = join(folder, "feed.sock");
  const server = createServer(onStream);
  server.listen(path);
  await once(server, "listening");
  const program = fileURLToPath(new URL("./feed.ts", import.meta.url));
  const child = spawn(process.execPath, [program, path, generation], { stdio: ["ignore", "inherit", "inherit"] });
  const ended = once(child, "exit").then(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    async end() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
