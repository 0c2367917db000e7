import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { oddBytes } from "./assertions.ts";
import { asker, collected, listenInside, over, soon } from "./inside.ts";
import type { Inside } from "./inside.ts";
import type { ContractSandbox } from "./provider.ts";
import type { SandboxScene } from "./scene.ts";

const MIB = 1024 * 1024;
const LARGE = 64 * MIB;

/** Dials `gateway` inside; the code that follows finds the connection in `socket`. */
const DIAL = `const { connect } = await load("node:net");
  const socket = connect({ path: process.env.AGENT_RUNTIME_SOCKETS + "/gateway.sock", allowHalfOpen: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));`;

/** A sandbox of the case's own: it is listened to once. */
async function withSandbox(
  scene: SandboxScene,
  work: (sandbox: ContractSandbox, inside: Inside) => Promise<void>,
): Promise<void> {
  const sandbox = await scene.create();
  const inside = await listenInside(sandbox);
  await work(sandbox, inside);
  await sandbox.terminate();
}

/** The next stream of the gateway channel, and the listener to close. */
async function gateway(sandbox: ContractSandbox): Promise<{ next: () => Promise<Duplex>; close(): Promise<void> }> {
  const streams: Duplex[] = [];
  let wake: (() => void) | undefined;
  const listener = await sandbox.accept("gateway", (stream) => {
    stream.on("error", () => undefined);
    streams.push(stream);
    wake?.();
  });
  return {
    close: () => listener.close(),
    async next() {
      if (streams.length === 0) await soon("a stream opens", new Promise<void>((resolve) => (wake = resolve)));
      return streams.shift() ?? assert.fail();
    },
  };
}

export const channelCases: Record<string, (scene: SandboxScene) => Promise<void>> = {
  "channels: the runner's stream, and again after it broke": (scene) =>
    withSandbox(scene, async (sandbox, inside) => {
      await inside.run("state.word = 'remembered'");
      await inside.close();
      const streams: Duplex[] = [];
      let dialled = Promise.withResolvers<Duplex>();
      const listener = await sandbox.accept("runner", (stream) => {
        stream.on("error", () => undefined);
        streams.push(stream);
        dialled.resolve(stream);
      });
      for (let round = 0; round < 3; round += 1) {
        const stream = await soon("the runner dials again", dialled.promise);
        assert.equal(await asker(stream)("return state.word"), "remembered");
        dialled = Promise.withResolvers<Duplex>();
        stream.destroy();
      }
      await listener.close();
      for (const stream of streams) await over(stream);
    }),

  "channels: one listener at a time, and a closed one makes room": (scene) =>
    withSandbox(scene, async (sandbox, inside) => {
      await assert.rejects(sandbox.accept("runner", () => undefined));
      assert.equal(await inside.run("return 1 + 1"), 2);
      await inside.close();
      await over(inside.stream);
      const again = await listenInside(sandbox);
      assert.equal(await again.run("return 2 + 2"), 4);
      await again.close();
    }),

  "channels: twenty streams of the gateway at once": (scene) =>
    withSandbox(scene, async (sandbox, inside) => {
      const streams: Duplex[] = [];
      const listener = await sandbox.accept("gateway", (stream) => {
        stream.on("error", () => undefined);
        streams.push(stream);
        stream.on("data", (chunk: Buffer) => stream.write(`${chunk.toString()}!`));
      });
      const answers = await inside.run(`return Promise.all(Array.from({ length: 20 }, async (_, index) => {
        ${DIAL}
        socket.write("hello " + index);
        return new Promise((resolve) => socket.once("data", (data) => resolve(String(data))));
      }))`);
      assert.deepEqual(
        answers,
        Array.from({ length: 20 }, (_, index) => `hello ${index}!`),
      );
      assert.equal(streams.length, 20);
      await listener.close();
      for (const stream of streams) await over(stream);
    }),

  "channels: whoever ends first is heard to the end": (scene) =>
    withSandbox(scene, async (sandbox, inside) => {
      const { next, close } = await gateway(sandbox);
      await inside.run(
        `${DIAL} socket.on("error", () => undefined); socket.resume(); socket.end(Buffer.alloc(${4 * MIB}, 7));`,
      );
      const ended = await next();
      assert.equal((await soon("the sandbox's end", collected(ended))).length, 4 * MIB);
      await inside.run(`${DIAL} state.size = 0;
        socket.on("data", (data) => (state.size += data.length));
        state.heard = new Promise((resolve) => socket.on("end", () => { socket.end(); resolve(state.size); }));`);
      (await next()).end(Buffer.alloc(4 * MIB, 8));
      assert.equal(await inside.run("return state.heard"), 4 * MIB);
      await close();
    }),

  "channels: a stream that is cut is cut on the other side": (scene) =>
    withSandbox(scene, async (sandbox, inside) => {
      const { next, close } = await gateway(sandbox);
      const watch = `${DIAL} socket.on("error", () => undefined); socket.resume(); socket.on("end", () => socket.end());
        state.cut = new Promise((resolve) => socket.on("close", () => resolve("closed"))); state.socket = socket;`;
      await inside.run(watch);
      const first = await next();
      first.destroy();
      assert.equal(await inside.run("return state.cut"), "closed");
      await inside.run(watch);
      const second = await next();
      await inside.run("state.socket.destroy()");
      await over(second);
      await close();
    }),

  "channels: 64 MiB each way, with a slow reader": (scene) =>
    withSandbox(scene, async (sandbox, inside) => {
      const { next, close } = await gateway(sandbox);
      await inside.run(`${DIAL} socket.pipe(socket);`);
      const stream = await next();
      const piece = oddBytes(MIB);
      const [sent, got] = [createHash("sha256"), createHash("sha256")];
      const pieces = function* (): Generator<Buffer> {
        for (let at = 0; at < LARGE; at += MIB) {
          piece.writeUInt32LE(at, 0);
          const next = Buffer.from(piece);
          sent.update(next);
          yield next;
        }
      };
      let bytes = 0;
      const read = (async () => {
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          got.update(chunk);
          bytes += chunk.length;
          await new Promise((resolve) => setImmediate(resolve));
          if (bytes === LARGE) break;
        }
      })();
      await pipeline(Readable.from(pieces()), stream, { end: false });
      await soon("all of it comes back", read);
      assert.deepEqual([bytes, got.digest("hex")], [LARGE, sent.digest("hex")]);
      await close();
    }),
};
