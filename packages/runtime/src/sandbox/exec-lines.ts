import type { Duplex } from "node:stream";

/** Longest line that is taken from inside, in bytes. */
const MAX_LINE = 4096;
const NEWLINE = 0x0a;

/** Gives the first line of a connection, and leaves what follows it in the stream. One that says too much is ended. */
export function firstLine(stream: Duplex, give: (line: string) => void): void {
  let held: Buffer = Buffer.alloc(0);
  function read(): void {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) return;
    held = Buffer.concat([held, chunk]);
    const end = held.indexOf(NEWLINE);
    if (end < 0 && held.length <= MAX_LINE) return;
    stream.off("readable", read);
    if (end < 0) return void stream.destroy();
    if (end + 1 < held.length) stream.unshift(held.subarray(end + 1));
    give(held.toString("utf8", 0, end));
  }
  stream.on("readable", read);
  // A peer that hangs up without a word; both halves must be let go.
  stream.once("end", () => {
    if (stream.listeners("readable").includes(read)) stream.destroy();
  });
}

/** Gives every line until the stream ends; one that is too long ends it. */
export function eachLine(stream: Duplex, give: (line: string) => void): void {
  let held: Buffer = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let start = 0;
    for (let end = held.indexOf(NEWLINE); end >= 0; end = held.indexOf(NEWLINE, start)) {
      give(held.toString("utf8", start, end));
      start = end + 1;
    }
    held = held.subarray(start);
    if (held.length > MAX_LINE) stream.destroy();
  });
}
