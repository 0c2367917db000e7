import { Transform } from "node:stream";

/** Shorter ones stand by chance in what a host sends. */
const LEAST_BYTES = 8;
const STAR = "*".charCodeAt(0);

/** Hides texts in what passes, each byte of them by a star, so that lengths stay as they were said. */
export interface Mask {
  text(text: string): string;
  /** Keeps back no more than the beginning of a text that may go on in the next piece. */
  stream(): Transform;
}

/** Of these values, as they are and as hosts write them in addresses, JSON and base64, and of `others` as they are. */
export function maskOf(values: Iterable<string>, others: Iterable<string> = []): Mask {
  // `Bearer …` is the whole of a header, and hosts may repeat what stands behind the word.
  const bare = [...values].flatMap((value) => [value, ...(/^\w+ (.+)$/s.exec(value)?.slice(1) ?? [])]);
  const written = bare.flatMap((value) => [
    value,
    encodeURIComponent(value),
    // In JSON, and in JSON that is a text in JSON, as an MCP server's answers are.
    quoted(value),
    quoted(quoted(value)),
    Buffer.from(value).toString("base64").replace(/=+$/, ""),
    Buffer.from(value).toString("base64url"),
  ]);
  const needles = [...new Set([...written, ...others])].map((text) => Buffer.from(text));
  const hidden = needles.filter(({ length }) => length >= LEAST_BYTES);
  return {
    text: (text) => (hidden.length === 0 ? text : covered(Buffer.from(text), hidden).toString()),
    stream: () => maskStream(hidden),
  };
}

function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function maskStream(needles: readonly Buffer[]): Transform {
  let kept: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const all = covered(Buffer.concat([kept, chunk]), needles);
      const begun = all.length - longestBeginning(all, needles);
      kept = all.subarray(begun);
      done(null, begun === 0 ? undefined : all.subarray(0, begun));
    },
    flush: (done) => done(null, kept),
  });
}

/** In place. */
function covered(bytes: Buffer, needles: readonly Buffer[]): Buffer {
  for (const needle of needles) {
    let at = bytes.indexOf(needle);
    for (; at >= 0; at = bytes.indexOf(needle, at + needle.length)) bytes.fill(STAR, at, at + needle.length);
  }
  return bytes;
}

/** How many bytes at the end are the beginning of a needle. */
function longestBeginning(bytes: Buffer, needles: readonly Buffer[]): number {
  const most = Math.max(0, ...needles.map(({ length }) => length - 1));
  for (let length = Math.min(most, bytes.length); length > 0; length--) {
    const end = bytes.subarray(bytes.length - length);
    if (needles.some((needle) => needle.length > length && needle.subarray(0, length).equals(end))) return length;
  }
  return 0;
}
