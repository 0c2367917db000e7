import { createLineSplitter, RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

/** Longest line: a piece of a file, or an event with a whole block in it. */
const LINE_BYTES = 64 * 1024 * 1024;
const GZIP = Buffer.from([0x1f, 0x8b]);
const LINE_FEED = Buffer.from("\n");

/** An archive's lines on disk, which can be read more than once. */
export interface ArchiveSpool extends AsyncDisposable {
  lines(): AsyncGenerator<string>;
}

/**
 * Takes an archive, gzipped or not, to a temporary file. Rejects with `payload_too_large` above `maxBytes` (unpacked),
 * and with `invalid_request` for gzip that is damaged or cut.
 */
export async function spoolArchive(source: AsyncIterable<Uint8Array>, maxBytes: number): Promise<ArchiveSpool> {
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-import-"));
  const path = join(folder, "lines");
  const dispose = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const { isGzip, bytes } = await looked(source);
    const from = Readable.from(bytes, { objectMode: false });
    const to = createWriteStream(path, { mode: 0o600 });
    await (isGzip ? pipeline(from, createGunzip(), bounded(maxBytes), to) : pipeline(from, bounded(maxBytes), to));
  } catch (error) {
    await dispose();
    throw explained(error);
  }
  return { lines: () => linesOf(path), [Symbol.asyncDispose]: dispose };
}

/** The stream, and whether it begins as gzip does. */
async function looked(
  source: AsyncIterable<Uint8Array>,
): Promise<{ isGzip: boolean; bytes: AsyncGenerator<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  let begin = Buffer.alloc(0);
  while (begin.length < GZIP.length) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    begin = Buffer.concat([begin, value]);
  }
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      if (begin.length > 0) yield begin;
      for (;;) {
        const { done, value } = await iterator.next();
        if (done === true) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { isGzip: begin.subarray(0, 2).equals(GZIP), bytes: bytes() };
}

function bounded(maxBytes: number): Transform {
  let size = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size <= maxBytes) return done(null, chunk);
      const message = `An archive may have at most ${maxBytes} bytes unpacked.`;
      done(new RuntimeError("payload_too_large", message, { field: "body" }));
    },
  });
}

function explained(error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!code.startsWith("Z_")) return error;
  return new RuntimeError("invalid_request", `body: is damaged, or was cut short (${code})`, {
    field: "body",
    cause: error,
  });
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const lines = createLineSplitter({ maxBytes: LINE_BYTES });
  const complete = (bytes: Uint8Array): string[] => {
    try {
      return lines.push(bytes);
    } catch (error) {
      const { message } = toRuntimeError(error);
      throw new RuntimeError("invalid_request", `body: ${message}`, { field: "body", cause: error });
    }
  };
  for await (const chunk of createReadStream(path)) yield* complete(chunk as Uint8Array);
  // The last one may have no end.
  yield* complete(LINE_FEED);
}
