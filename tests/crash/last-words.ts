import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { descendants, sandboxPid, stateOf } from "../testing/processes.ts";

/** A server, or one that was there before it with the same data. */
export interface LastingServer {
  readonly name: string;
  readonly dataDir: string;
  /** That it has written. */
  readonly lines: readonly string[];
}

const LINES = 20;
const LINE_CHARS = 400;

/** What servers and sandboxes have to say of a session in which nothing moves any more: a stall is to tell where it is. */
export async function lastWords(sessionId: string, servers: readonly LastingServer[]): Promise<string> {
  const words = await Promise.all(
    servers.map(async ({ name, dataDir, lines }) => {
      const said = lastOf(lines.filter((line) => line.includes(sessionId)));
      return [`${name} said:`, ...said, ...(await ofSandboxes(sessionId, dataDir))];
    }),
  );
  return words.flat().join("\n");
}

async function ofSandboxes(sessionId: string, dataDir: string): Promise<string[]> {
  const names = await readdir(join(dataDir, "sandboxes")).catch(() => []);
  const own = names.filter((name) => name.startsWith(`${sessionId}-`));
  const words = own.map(async (name) => {
    const log = await readFile(join(dataDir, "sandboxes", name, "state", "runner.log"), "utf8").catch(String);
    return [`sandbox ${name}:`, ...(await processesOf(dataDir, name)), ...lastOf(log.trimEnd().split("\n"))];
  });
  return (await Promise.all(words)).flat();
}

async function processesOf(dataDir: string, name: string): Promise<string[]> {
  try {
    const pid = await sandboxPid(dataDir, name);
    return descendants(pid).map((child) => `${child.pid} ${stateOf(child.pid)} ${child.command.slice(0, 120)}`);
  } catch {
    return ["it has no processes"];
  }
}

function lastOf(lines: readonly string[]): string[] {
  return lines.slice(-LINES).map((line) => `  ${line.slice(0, LINE_CHARS)}`);
}
