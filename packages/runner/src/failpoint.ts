import { writeSync } from "node:fs";

/** `name` or `name:count`, read once. The server passes it on, and only where it was started with a point of the runner. */
const [, wanted, count] = /^(.+?)(?::(\d+))?$/.exec(process.env["AGENT_RUNTIME_FAILPOINT"] ?? "") ?? [];
let left = Number(count ?? 1);

/** A named point at which a test can have the runner killed, and with it its sandbox. Without the variable it does nothing. */
export function failpoint(name: string): void {
  if (wanted !== name) return;
  left -= 1;
  if (left > 0) return;
  writeSync(2, `failpoint ${name} reached\n`);
  process.kill(process.pid, "SIGKILL");
  // The signal may be taken a moment later: nothing more happens here.
  for (;;);
}
