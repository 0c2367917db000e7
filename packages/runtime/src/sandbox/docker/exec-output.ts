import type { Duplex } from "node:stream";
import { PassThrough } from "node:stream";

const HEADER_BYTES = 8;
/** How much of an output waits for its reader before the program has to wait. */
const WAITING_BYTES = 256 * 1024;

/** Both outputs of a program, taken apart. */
export interface ExecOutput {
  readonly stdout: PassThrough;
  readonly stderr: PassThrough;
}

/**
 * Takes apart what the engine puts into one stream: frames of one byte that says which output, three of nothing, four for
 * the length, and the bytes. The slower reader sets the pace of both. What is no frame ends the stream.
 */
export function splitOutput(stream: Duplex): ExecOutput {
  const stdout = new PassThrough({ highWaterMark: WAITING_BYTES });
  const stderr = new PassThrough({ highWaterMark: WAITING_BYTES });
  const header = Buffer.alloc(HEADER_BYTES);
  let have = 0;
  let left = 0;
  let target = stdout;
  const full = new Set<PassThrough>();

  function give(output: PassThrough, bytes: Buffer): void {
    // A reader that went away does not hold up the other one.
    if (output.destroyed || output.write(bytes) || full.has(output)) return;
    full.add(output);
    stream.pause();
    const goOn = (): void => {
      output.off("drain", goOn);
      output.off("close", goOn);
      full.delete(output);
      if (full.size === 0) stream.resume();
    };
    output.once("drain", goOn);
    output.once("close", goOn);
  }

  stream.on("data", (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const bytes = chunk.subarray(at, at + left);
        give(target, bytes);
        at += bytes.length;
        left -= bytes.length;
        continue;
      }
      const taken = chunk.copy(header, have, at, at + HEADER_BYTES - have);
      at += taken;
      have += taken;
      if (have < HEADER_BYTES) continue;
      have = 0;
      const kind = header[0] ?? 0;
      if (kind > 2) return void stream.destroy();
      target = kind === 2 ? stderr : stdout;
      left = header.readUInt32BE(4);
    }
  });
  const end = (): void => {
    stdout.end();
    stderr.end();
  };
  stream.on("end", end);
  stream.on("close", end);
  stream.on("error", end);
  return { stdout, stderr };
}
