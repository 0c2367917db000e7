import { execFile } from "node:child_process";
import { constants, existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { EXEC_FIFO } from "./exec-wire.ts";

const run = promisify(execFile);

/**
 * Shell, with `node runner supervisor sockets` as its arguments: waits, beside the runner that is started next, for names
 * of sockets, and starts a supervisor for each. A shell waits, because it takes a fiftieth of the memory of a second Node,
 * and most sandboxes are never asked. It is nobody's child, so that the runner's children are the runner's.
 */
export const WAIT_FOR_EXEC = `( ( exec 3<>"$4/${EXEC_FIFO}"; while read -r name <&3; do ( "$1" "$3" "$name" 3<&- & ) ; done ) & )`;

/** The supervisor's program, one file. Throws `missing_dependency` where it was not built, which only a checkout can be. */
export function supervisorPath(): string {
  // The same path from the sources and from what is published.
  const path = fileURLToPath(new URL("../../dist/exec-supervisor.mjs", import.meta.url));
  if (existsSync(path)) return path;
  throw new RuntimeError("missing_dependency", `The file ${path} is missing. Run: node scripts/bundle.mjs`);
}

/** Makes the FIFO by which supervisors are asked for, in a private folder; a sandbox can be another user than the server. */
export async function makeExecFifo(sockets: string): Promise<void> {
  const path = join(sockets, EXEC_FIFO);
  if (!existsSync(path)) await run("mkfifo", ["-m", "666", path]);
}

/** Asks for a supervisor that dials socket `name`; waits until somebody inside reads the FIFO. */
export async function askForSupervisor(sockets: string, name: string, signal: AbortSignal): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  for (let wait = 2; ; wait = Math.min(wait * 2, 100)) {
    signal.throwIfAborted();
    try {
      await using fifo = await open(join(sockets, EXEC_FIFO), flags);
      // In an unisolated sandbox the agent can put anything here.
      if ((await fifo.stat()).isFIFO()) {
        await fifo.write(`${name}\n`);
        return;
      }
    } catch (error) {
      // ENXIO: nobody has it open yet.
      if (!(error instanceof Error && "code" in error && (error.code === "ENXIO" || error.code === "EAGAIN")))
        throw error;
    }
    await sleep(wait, undefined, { signal });
  }
}
