import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { localBridges } from "../testing/local-bridge.ts";
import type { LocalBridges } from "../testing/local-bridge.ts";
import { FRAME, FrameReader, MAX_PAYLOAD, encodeFrame } from "./frames.ts";
import { Line } from "./line.ts";
import type { LineOptions, Transport } from "./line.ts";
import { Mux } from "./mux.ts";
import { WINDOW_BYTES } from "./mux-stream.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function bridges(): LocalBridges {
  const made = localBridges();
  closing.push(() => made.close());
  return made;
}

function lineTo(open: LineOptions["open"], more: Partial<LineOptions> = {}): { line: Line; streams: Duplex[] } {
  const streams: Duplex[] = [];
  const line = new Line({
    open,
    onStream: (_channel, stream) => streams.push(stream),
    halfOpen: new Set(),
    onDown: () => undefined,
    random: () => 0,
    ...more,
  });
  closing.push(() => line.stop());
  return { line, streams };
}

async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await sleep(5);
  }
}

/** Connects as the runner does: again and again until somebody listens. */
async function dial(sockets: string, channel: string): Promise<Socket> {
  for (;;) {
    const socket = connect({ path: join(sockets, `${channel}.sock`) });
    socket.on("error", () => undefined);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("close", () => resolve(false));
    });
    if (connected) return socket;
    await sleep(5);
  }
}

/** Resolves when the other side has hung up. */
async function gone(socket: Duplex): Promise<void> {
  socket.resume();
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
}

test("streams of both channels reach the server, each with its bytes, both ways, to their end", async () => {
  const at = bridges();
  const channels: string[] = [];
  const { line, streams } = lineTo(at.open, {
    onStream: (channel, stream) => {
      channels.push(channel);
      streams.push(stream);
      stream.pipe(stream);
    },
  });
  void line.listen("runner");
  void line.listen("gateway");
  for (const channel of ["runner", "gateway"]) {
    const socket = await dial(at.sockets, channel);
    const sent = randomBytes(3 * 1024 * 1024 + 17);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.end(sent);
    await once(socket, "end");
    expect(createHash("sha256").update(Buffer.concat(chunks)).digest("hex")).toBe(
      createHash("sha256").update(sent).digest("hex"),
    );
  }
  expect(channels).toEqual(["runner", "gateway"]);
  await until(() => streams.every((stream) => stream.destroyed));
});

test("a reader that stands still holds up its own stream and no other", async () => {
  const at = bridges();
  const { line, streams } = lineTo(at.open);
  void line.listen("runner");
  const slow = await dial(at.sockets, "runner");
  let unsent = 0;
  slow.write(Buffer.alloc(8 * 1024 * 1024), () => (unsent = -1));
  const stalled = await until(() => streams[0]);
  const quick = await dial(at.sockets, "runner");
  const other = await until(() => streams[1]);
  quick.write("ping");
  const [heard] = (await once(other, "data")) as [Buffer];
  expect(String(heard)).toBe("ping");
  // Held here, for a reader that does not read: the window, and not the whole.
  expect(stalled.readableLength).toBeLessThanOrEqual(WINDOW_BYTES);
  expect(unsent).toBe(0);
  let taken = 0;
  stalled.on("data", (chunk: Buffer) => (taken += chunk.length));
  await until(() => taken === 8 * 1024 * 1024);
});

test("a bridge that dies is followed by another, and the sandbox's side dials again", async () => {
  const at = bridges();
  const downs: unknown[] = [];
  const { line, streams } = lineTo(at.open, { onDown: (why) => downs.push(why) });
  void line.listen("runner");
  const before = await dial(at.sockets, "runner");
  const first = await until(() => streams[0]);
  at.started[0]!.kill("SIGKILL");
  await Promise.all([gone(before), gone(first)]);
  const after = await dial(at.sockets, "runner");
  const second = await until(() => streams[1]);
  after.write("again");
  const [heard] = (await once(second, "data")) as [Buffer];
  expect(String(heard)).toBe("again");
  expect(downs.map(String)).toEqual([expect.stringContaining("has ended")]);
});

test("of two lines to a sandbox the newer has it, and the older one does not take it back", async () => {
  const at = bridges();
  const older = lineTo(at.open);
  void older.line.listen("runner");
  const held = await dial(at.sockets, "runner");
  await until(() => older.streams[0]);
  const newer = lineTo(at.open);
  void newer.line.listen("runner");
  await gone(held);
  await until(() => older.line.state === "replaced");
  const socket = await dial(at.sockets, "runner");
  const stream = await until(() => newer.streams[0]);
  socket.write("yours");
  const [heard] = (await once(stream, "data")) as [Buffer];
  expect(String(heard)).toBe("yours");
  expect(newer.line.state).toBe("up");
  expect(at.started).toHaveLength(2);
});

test("a line that was replaced by a server which then let go of the sandbox is taken back", async () => {
  const at = bridges();
  const rightful = lineTo(at.open, { retakeMs: 20 });
  void rightful.line.listen("runner");
  await dial(at.sockets, "runner");
  const first = await until(() => rightful.streams[0]);
  const late = lineTo(at.open);
  void late.line.listen("runner");
  await gone(first);
  // It learns that the sandbox is not its own.
  late.line.stop();
  await until(() => rightful.line.state === "up");
  const socket = await dial(at.sockets, "runner");
  const stream = await until(() => rightful.streams[1]);
  socket.write("mine");
  const [heard] = (await once(stream, "data")) as [Buffer];
  expect(String(heard)).toBe("mine");
});

test("a bridge whose server reads nothing any more still makes way for the next", async () => {
  const at = bridges();
  const stuck = await at.open();
  await stuck.write(encodeFrame(FRAME.listen, 0, Buffer.from("runner")));
  const socket = await dial(at.sockets, "runner");
  // More than a pipe takes: whoever writes to it without care stands still now.
  socket.write(Buffer.alloc(4 * 1024 * 1024));
  await stuck.write(encodeFrame(FRAME.credit, 1, Buffer.from([0, 0, 0, 0])));
  const { line, streams } = lineTo(at.open);
  void line.listen("runner");
  await gone(socket);
  await dial(at.sockets, "runner");
  await until(() => streams[0]);
});

test("a bridge that says nothing for too long is given up", async () => {
  const at = bridges();
  const downs: string[] = [];
  const { line, streams } = lineTo(at.open, { pingMs: 250, onDown: (why) => downs.push(String(why)) });
  void line.listen("runner");
  await dial(at.sockets, "runner");
  await until(() => streams[0]);
  const stopped = at.started.length - 1;
  at.started[stopped]!.kill("SIGSTOP");
  await until(() => downs.some((why) => why.includes("silent")));
  at.started[stopped]!.kill("SIGKILL");
  await until(() => line.state === "up");
  const before = streams.length;
  await dial(at.sockets, "runner");
  await until(() => streams.length > before);
});

test("what is no bridge of ours breaks its line and nothing else", async () => {
  const hello = encodeFrame(FRAME.hello, 0, Buffer.from(JSON.stringify({ version: 1, number: 1 })));
  const open = encodeFrame(FRAME.open, 1, Buffer.from("runner"));
  const wrong: readonly (readonly Buffer[])[] = [
    [Buffer.from("HTTP/1.1 200 OK\r\n\r\n")],
    [open],
    [encodeFrame(FRAME.hello, 0, Buffer.from("{}"))],
    [encodeFrame(FRAME.hello, 0, Buffer.from("{"))],
    [hello, encodeFrame(FRAME.open, 7, Buffer.from("runner"))],
    [hello, encodeFrame(FRAME.data, 1, Buffer.from("x"))],
    [hello, open, encodeFrame(FRAME.credit, 1, Buffer.from([1]))],
    [hello, open, encodeFrame(FRAME.credit, 1, Buffer.from([0, 255, 255, 255]))],
    [hello, open, encodeFrame(FRAME.end, 1), encodeFrame(FRAME.data, 1, Buffer.from("x"))],
    [hello, open, ...Array.from({ length: 9 }, () => encodeFrame(FRAME.data, 1, Buffer.alloc(MAX_PAYLOAD)))],
    [hello, encodeFrame(FRAME.supervise, 0)],
  ];
  for (const frames of wrong) {
    const broken = Promise.withResolvers<unknown>();
    const said = async function* (): AsyncGenerator<Uint8Array> {
      yield* frames;
      await new Promise(() => undefined);
    };
    const transport: Transport = { bytes: said(), write: async () => undefined, close: () => undefined };
    const { line, streams } = lineTo(async () => transport, { onDown: broken.resolve });
    void line.listen("runner");
    expect(await broken.promise).toBeInstanceOf(Error);
    line.stop();
    expect(streams.every((stream) => stream.destroyed)).toBe(true);
  }
});

test("frames come whole, however they are cut", () => {
  const frames = [
    encodeFrame(FRAME.ping, 0),
    encodeFrame(FRAME.data, 5, Buffer.from("hello")),
    encodeFrame(FRAME.end, 5),
  ];
  const bytes = Buffer.concat(frames);
  for (let size = 1; size <= bytes.length; size += 1) {
    const reader = new FrameReader();
    const found = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...reader.push(bytes.subarray(at, at + size)));
    expect(found.map(({ type, stream, payload }) => [type, stream, String(payload)])).toEqual([
      [FRAME.ping, 0, ""],
      [FRAME.data, 5, "hello"],
      [FRAME.end, 5, ""],
    ]);
  }
  expect(() => new FrameReader().push(Buffer.from([FRAME.data, 0, 0, 0, 1, 255, 255, 255, 255]))).toThrow("longer");
});

test("a sandbox cannot open streams without a bound", () => {
  const sent: Buffer[] = [];
  let opened = 0;
  const mux = new Mux({ send: (frame) => sent.push(frame), onOpen: () => (opened += 1), allowHalfOpen: () => false });
  for (let stream = 1; stream <= 1100; stream += 1)
    mux.take({ type: FRAME.open, stream, payload: Buffer.from("gateway") });
  expect(opened).toBe(512);
  expect(sent).toHaveLength(588);
  mux.cut();
});
