import { appendFileSync, renameSync, statSync } from "node:fs";
import { inspect } from "node:util";

/** Diagnostics of the runner, never a client's eyes. */
export type Log = (message: string, detail?: unknown) => void;

const MAX_LOG_BYTES = 4 * 1024 * 1024;
const MAX_DETAIL_CHARS = 4_000;

/** A log in a file of bounded size: when it is full it becomes `<file>.1`. Never throws: a full disk costs lines. */
export function createFileLog(file: string, now: () => Date): Log {
  let size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return (message, detail) => {
    const more = detail === undefined ? "" : ` ${inspect(detail, { depth: 4, breakLength: Infinity })}`;
    const line = `${now().toISOString()} ${message}${more.slice(0, MAX_DETAIL_CHARS)}\n`;
    try {
      if (size > MAX_LOG_BYTES) {
        renameSync(file, `${file}.1`);
        size = 0;
      }
      appendFileSync(file, line, { mode: 0o600 });
      size += Buffer.byteLength(line);
    } catch {
      // Nothing left to tell it to.
    }
  };
}
