import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { oddBytes } from "./assertions.ts";
import { finished, runInside, shell, soon } from "./inside.ts";
import type { SandboxScene } from "./scene.ts";

const MIB = 1024 * 1024;
const LARGE = 64 * MIB;

/** 64 MiB in pieces that differ, and their hash. */
function large(): { pieces: () => Generator<Buffer>; sha256: string } {
  const piece = oddBytes(MIB);
  const pieces = function* (): Generator<Buffer> {
    for (let at = 0; at < LARGE; at += MIB) {
      piece.writeUInt32LE(at, 0);
      yield Buffer.from(piece);
    }
  };
  const hash = createHash("sha256");
  for (const each of pieces()) hash.update(each);
  return { pieces, sha256: hash.digest("hex") };
}

/** Reads as somebody does who has other work between any two pieces. */
async function slowHash(stream: Readable): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { sha256: hash.digest("hex"), bytes };
}

export const execStreamCases: Record<string, (scene: SandboxScene) => Promise<void>> = {
  "streams: 64 MiB in and out at once, with a slow reader": async (scene) => {
    const process = await (await scene.shared()).exec(["cat"]);
    const { pieces, sha256 } = large();
    const [read, , errors, { code }] = await Promise.all([
      slowHash(process.stdout),
      pipeline(Readable.from(pieces()), process.stdin),
      slowHash(process.stderr),
      process.exited,
    ]);
    assert.deepEqual([read, errors.bytes, code], [{ sha256, bytes: LARGE }, 0, 0]);
  },

  "streams: both outputs at once, each whole": async (scene) => {
    const size = 4 * MIB;
    const script = `head -c ${size} /dev/zero >&2 & head -c ${size} /dev/zero; wait`;
    const process = await (await scene.shared()).exec(["/bin/sh", "-c", script]);
    const { out, err, code } = await finished(process);
    assert.deepEqual([out.length, err.length, code], [size, size, 0]);
  },

  "streams: the end of the input is told, with and without bytes before it": async (scene) => {
    const sandbox = await scene.shared();
    for (const text of ["", "some bytes without a line end"]) {
      const process = await sandbox.exec(["wc", "-c"]);
      process.stdin.end(text);
      const { out, code } = await finished(process);
      assert.deepEqual([Number(out.toString()), code], [text.length, 0]);
    }
  },

  "streams: the output can be talked with while the input is open": async (scene) => {
    const process = await (await scene.shared()).exec(["cat"]);
    for (const word of ["one", "two", "three"]) {
      process.stdin.write(word);
      const [chunk] = (await soon("an echo", once(process.stdout, "data"))) as [Buffer];
      assert.equal(chunk.toString(), word);
    }
    process.stdin.end();
    assert.equal((await finished(process)).code, 0);
  },

  "streams: output waits for its reader": async (scene) => {
    const sandbox = await scene.shared();
    const taken = `/tmp/taken-${randomUUID()}`;
    const script = `head -c ${LARGE} /dev/zero; echo all of it was taken > ${taken}`;
    const process = await sandbox.exec(["/bin/sh", "-c", script]);
    // Whoever takes it all without a reader has the time for it: so much else is said and heard meanwhile.
    for (let round = 0; round < 20; round += 1) await shell(sandbox, "true");
    assert.equal((await runInside(sandbox, ["test", "-e", taken])).code, 1);
    const { out, code } = await finished(process);
    assert.deepEqual([out.length, code], [LARGE, 0]);
    await shell(sandbox, `rm ${taken}`);
  },

  "streams: input waits for its reader": async (scene) => {
    const sandbox = await scene.shared();
    const go = `/tmp/go-${randomUUID()}`;
    const process = await sandbox.exec(["/bin/sh", "-c", 'until [ -e "$0" ]; do sleep 0.02; done; wc -c', go]);
    let taken = 0;
    const counted = function* (): Generator<Buffer> {
      for (const piece of large().pieces()) {
        taken += piece.length;
        yield piece;
      }
    };
    const written = pipeline(Readable.from(counted(), { objectMode: false }), process.stdin);
    for (let round = 0; round < 20; round += 1) await shell(sandbox, "true");
    assert.ok(taken < LARGE, "all of it was taken before anybody read");
    await sandbox.writeFile(go, Buffer.alloc(0));
    await written;
    const { out, code } = await finished(process);
    assert.deepEqual([Number(out.toString()), code], [LARGE, 0]);
    await shell(sandbox, 'rm "$1"', go);
  },

  "streams: an end without a reader is told, and the output can be read later": async (scene) => {
    const sandbox = await scene.shared();
    const process = await sandbox.exec(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"]);
    assert.deepEqual(await soon("the end is told", process.exited), { code: 3 });
    const { out, err } = await finished(process);
    assert.deepEqual([out.toString(), err.toString()], ["out\n", "err\n"]);
  },

  "streams: both outputs are given when the end is told": async (scene) => {
    const sandbox = await scene.shared();
    const process = await sandbox.exec(["/bin/sh", "-c", `head -c ${4 * MIB} /dev/zero; echo err >&2`]);
    let [out, err] = [0, 0];
    process.stdout.on("data", (chunk: Buffer) => (out += chunk.length));
    process.stderr.on("data", (chunk: Buffer) => (err += chunk.length));
    await soon("the end is told", process.exited);
    assert.deepEqual([out, err], [4 * MIB, 4]);
  },

  "streams: input that the program does not want harms nobody": async (scene) => {
    const sandbox = await scene.shared();
    const process = await sandbox.exec(["true"]);
    process.stdin.on("error", () => undefined);
    process.stdin.end(Buffer.alloc(4 * MIB));
    assert.equal((await finished(process)).code, 0);
    const closed = await sandbox.exec(["/bin/sh", "-c", "exec 0<&-; echo closed; sleep 0.1"]);
    closed.stdin.on("error", () => undefined);
    closed.stdin.write(Buffer.alloc(4 * MIB));
    assert.equal((await finished(closed)).code, 0);
    await shell(sandbox, "true");
  },

  "streams: output that nobody wants harms nobody": async (scene) => {
    const sandbox = await scene.shared();
    const process = await sandbox.exec(["/bin/sh", "-c", `head -c ${LARGE} /dev/zero; echo done >&2`]);
    process.stdout.destroy();
    process.stderr.resume();
    await soon("the end is told", process.exited);
    await shell(sandbox, "true");
  },

  "streams: bytes of every value, also those that are no text": async (scene) => {
    const bytes = oddBytes(70_001);
    const process = await (await scene.shared()).exec(["cat"]);
    process.stdin.end(bytes);
    const { out } = await finished(process);
    assert.ok(out.equals(bytes));
  },
};
