import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Transport } from "../line/line.ts";

/** The bridge's own program on this machine, with folders of its own, in place of one in a sandbox. */
export interface LocalBridges {
  readonly sockets: string;
  /** The bridges that were started, the newest last. */
  readonly started: ChildProcess[];
  open(): Promise<Transport>;
  close(): void;
}

export function localBridges(supervisor = "/nonexistent"): LocalBridges {
  const root = mkdtempSync(join(tmpdir(), "bridge-"));
  const sockets = join(root, "sockets");
  const bridges = join(root, "bridges");
  for (const folder of [sockets, bridges]) mkdirSync(folder);
  const program = fileURLToPath(new URL("../inside/bridge.ts", import.meta.url));
  const started: ChildProcess[] = [];
  return {
    sockets,
    started,
    async open() {
      const child = spawn(process.execPath, [program, sockets, bridges, supervisor], {
        stdio: ["pipe", "pipe", "inherit"],
        env: { AGENT_RUNTIME_SOCKETS: sockets, PATH: process.env["PATH"] },
      });
      started.push(child);
      child.stdin.on("error", () => undefined);
      return {
        bytes: child.stdout,
        write: (bytes) =>
          new Promise<void>((resolve, reject) => {
            child.stdin.write(bytes, (error) => (error ? reject(error) : resolve()));
          }),
        close: () => {
          child.stdin.end();
          child.stdout.resume();
        },
      };
    },
    close() {
      for (const child of started) child.kill("SIGKILL");
      rmSync(root, { recursive: true, force: true });
    },
  };
}
