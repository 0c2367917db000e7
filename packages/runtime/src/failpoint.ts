import { writeSync } from "node:fs";

/** `name` or `name:count`, read once: whoever can set the environment of a server can end it anyway. */
const [, wanted, count] = /^(.+?)(?::(\d+))?$/.exec(process.env["AGENT_RUNTIME_FAILPOINT"] ?? "") ?? [];
let left = Number(count ?? 1);

/**
 * A named point on a message's way at which a test can have this process killed, as by SIGKILL from outside: with
 * AGENT_RUNTIME_FAILPOINT=name[:count], when it is reached for the count-th time. Without the variable it does nothing.
 */
export function failpoint(name: string): void {
  if (wanted !== name) return;
  left -= 1;
  if (left > 0) return;
  writeSync(2, `failpoint ${name} reached\n`);
  process.kill(process.pid, "SIGKILL");
  // The signal may be taken a moment later: nothing more happens here.
  for (;;);
}

/** As `failpoint`, a moment later, when the answer that is being returned has gone out. */
export function failpointAfterAnswer(name: string): void {
  if (wanted === name) setTimeout(() => failpoint(name), 50);
}

/** A point of the runner is passed on to it: there it ends the sandbox, and not the server. */
export function runnerFailpoint(): Readonly<Record<string, string>> {
  if (wanted === undefined || !wanted.startsWith("journal:")) return {};
  return { AGENT_RUNTIME_FAILPOINT: `${wanted}:${count ?? 1}` };
}
