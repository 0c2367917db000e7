import { Duplex } from "node:stream";
import { encodeLine, Entry, MAX_LINE_BYTES, WIRE_VERSION } from "@hhopkins/agent-runtime-protocol";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RunnerLink } from "./runner-link.ts";
import { UnsavedBytes } from "./unsaved-bytes.ts";

const GENERATION = 3;
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const hello = { type: "hello", version: WIRE_VERSION, generation: GENERATION, first: 1, last: 0, fence: 1 };
const delta = { kind: "block:delta", conversationId: "main", blockId: "b", delta: "x" };

/** A sandbox's end of a stream, which the attacker has. */
class Attacker extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
  say(bytes: string | Uint8Array): void {
    if (!this.destroyed) this.push(bytes);
  }
}

function attacked() {
  const unsaved = new UnsavedBytes({ perSession: 2 ** 23, total: 2 ** 27 });
  const link = new RunnerLink({
    generation: GENERATION,
    fence: 1,
    taken: 0,
    unsaved: unsaved.account(),
    onEntries: () => undefined,
    onEnding: () => undefined,
    log: quiet,
  });
  const stream = new Attacker();
  stream.on("error", () => undefined);
  link.connect(stream);
  return { link, unsaved, stream };
}

/** What has been pushed was read. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Numbers, names and depths that programs stumble over. */
const oddNumber = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, -1, 0.5, 2 ** 53, 1e308, -1e308, Number.MAX_SAFE_INTEGER),
  fc.double(),
);
const oddValue = fc.oneof(
  oddNumber,
  fc.string(),
  fc.constantFrom(
    null,
    true,
    [],
    {},
    "__proto__",
    "constructor",
    "\0",
    "\ud800",
    "../../etc/passwd",
    "a".repeat(70_000),
  ),
  fc.jsonValue(),
);
const KEYS = [
  "type",
  "n",
  "body",
  "kind",
  "generation",
  "version",
  "first",
  "last",
  "fence",
  "id",
  "ok",
  "data",
  "error",
];
const oddKey = fc.oneof(fc.constantFrom("__proto__", "constructor", "toString", "prototype"), fc.constantFrom(...KEYS));

const honest = fc.oneof(
  fc.constant(hello),
  fc.record({ type: fc.constant("entry"), n: fc.integer({ min: 1, max: 5 }), body: fc.constant(delta) }),
  fc.record({ type: fc.constant("reply"), id: fc.string(), ok: fc.boolean(), data: oddValue }),
  fc.record({ type: fc.constant("refused"), code: fc.string(), message: fc.string() }),
);
/** A line of a runner with a field replaced, added, or taken away. */
const forged = fc.tuple(honest, oddKey, fc.option(oddValue)).map(([frame, key, value]) => {
  const fields = Object.entries(frame).filter(([name]) => name !== key);
  const more = value === null ? [] : [`${JSON.stringify(key)}:${JSON.stringify(value) ?? "null"}`];
  return `{${[...fields.map(([name, field]) => `${JSON.stringify(name)}:${JSON.stringify(field)}`), ...more].join(",")}}\n`;
});
const bytes = fc.oneof(
  forged.map((line) => Buffer.from(line)),
  honest.map((frame) => Buffer.from(encodeLine(frame))),
  fc.uint8Array({ maxLength: 300 }).map((raw) => Buffer.from(raw)),
  fc.json().map((text) => Buffer.from(`${text}\n`)),
  fc
    .constantFrom("\n".repeat(5000), "[".repeat(100_000) + "\n", '{"a":'.repeat(20_000), "\r\n\0")
    .map((text) => Buffer.from(text)),
);

test("whatever is said in a runner's place: no exception, nothing but valid entries in their order, memory bounded", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 30 }), fc.boolean(), async (pieces, greet) => {
      const { link, unsaved, stream } = attacked();
      if (greet) stream.say(encodeLine(hello));
      for (const piece of pieces) stream.say(piece);
      await settled();
      const taken = link.take(10_000);
      expect(taken.map(({ n }) => n)).toEqual(taken.map((_entry, index) => index + 1));
      for (const entry of taken) expect(Entry.safeParse(entry).success).toBe(true);
      expect(unsaved.bytes).toBeLessThan(2 * MAX_LINE_BYTES);
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect(({} as Record<string, unknown>)["type"]).toBeUndefined();
      link.close();
      stream.destroy();
    }),
    { numRuns: 300 },
  );
});

test("after any attack the true runner is heard on its next stream", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 8 }), async (pieces) => {
      const { link, stream } = attacked();
      for (const piece of pieces) stream.say(piece);
      await settled();
      const before = link.take(10_000).at(-1)?.n ?? 0;
      link.saved(before);
      const runner = new Attacker();
      link.connect(runner);
      runner.say(encodeLine({ ...hello, last: before + 1 }));
      runner.say(encodeLine({ type: "entry", n: before + 1, body: delta }));
      await settled();
      expect(link.attached).toBe(true);
      expect(link.take(10).map(({ n }) => n)).toEqual([before + 1]);
      link.close();
    }),
    { numRuns: 100 },
  );
});

test("a line without an end, and ten megabytes of empty ones: the stream is closed, or nothing is kept", async () => {
  const endless = attacked();
  const piece = Buffer.alloc(256 * 1024, "x");
  for (let sent = 0; sent < 64 && !endless.stream.destroyed; sent += 1) {
    endless.stream.say(piece);
    await settled();
    expect(endless.unsaved.bytes).toBeLessThanOrEqual(MAX_LINE_BYTES + piece.length);
  }
  expect(endless.stream.destroyed).toBe(true);
  expect(endless.unsaved.bytes).toBeLessThanOrEqual(MAX_LINE_BYTES + piece.length);
  const empty = attacked();
  for (let sent = 0; sent < 40; sent += 1) empty.stream.say(Buffer.alloc(256 * 1024, "\n"));
  await settled();
  expect(empty.link.take(10)).toEqual([]);
  expect(empty.unsaved.bytes).toBe(0);
});
