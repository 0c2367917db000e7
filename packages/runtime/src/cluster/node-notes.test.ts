import { expect, test, vi } from "vitest";
import { MemoryBus } from "../bus/testing/memory-bus.ts";
import { NodeNotes } from "./node-notes.ts";
import { parsedNote, tailTexts, type Note } from "./note.ts";

const silent = { debug: () => {}, info: () => {}, error: () => {} };

interface Scene {
  readonly hasOthers?: boolean;
  readonly maxBytes?: number;
}

async function scene({ hasOthers = true, maxBytes = 8_000 }: Scene = {}) {
  const bus = new MemoryBus();
  const warnings: string[] = [];
  const log = { ...silent, warn: (_detail: object, text: string) => void warnings.push(text) };
  const options = { hasOthers: () => hasOthers, log, publishMs: 50 };
  const a = new NodeNotes({ ...options, nodeId: "a", bus: bus.end(maxBytes) });
  const b = new NodeNotes({ ...options, nodeId: "b", bus: bus.end(maxBytes) });
  await Promise.all([a.start(), b.start()]);
  const heard: Note[] = [];
  let gaps = 0;
  b.listen({ note: (note) => heard.push(note), gap: () => (gaps += 1) });
  return { bus, a, b, heard, warnings, gaps: () => gaps };
}

const tail = (sessionId: string, lastSeq: number) => ({ tenant: "t", sessionId, lastSeq });

test("one text a group commit, however many sessions are in it; the sender does not hear itself", async () => {
  const { bus, a, heard } = await scene();
  const own: Note[] = [];
  a.listen({ note: (note) => own.push(note), gap: () => {} });
  a.committed([tail("s1", 3), tail("s2", 9)]);
  await vi.waitUntil(() => heard.length === 1);
  expect(heard).toEqual([
    {
      is: "tails",
      from: "a",
      tails: [
        ["t", "s1", 3],
        ["t", "s2", 9],
      ],
    },
  ]);
  expect([bus.texts.length, own]).toEqual([1, []]);
});

test("commits that come while the bus is busy go out as one text, with the last of each session", async () => {
  const bus = new MemoryBus();
  const gate = Promise.withResolvers<void>();
  const end = bus.end();
  const slow = { ...end, publish: async (text: string) => (await gate.promise, end.publish(text)) };
  const log = { ...silent, warn: () => {} };
  const a = new NodeNotes({ nodeId: "a", bus: slow, hasOthers: () => true, log });
  await a.start();
  a.committed([tail("s1", 1)]);
  await new Promise((resolve) => setImmediate(resolve));
  for (let seq = 2; seq <= 100; seq += 1) a.committed([tail("s1", seq)]);
  gate.resolve();
  await vi.waitUntil(() => bus.texts.length === 2);
  expect(JSON.parse(bus.texts[1] ?? "")).toMatchObject({ tails: [["t", "s1", 100]] });
});

test("nothing is said while nobody else is there, or without a bus", async () => {
  const { bus, a } = await scene({ hasOthers: false });
  a.committed([tail("s1", 1)]);
  a.leaseFreed();
  const none = new NodeNotes({
    nodeId: "c",
    bus: undefined,
    hasOthers: () => true,
    log: { ...silent, warn: () => {} },
  });
  await none.start();
  none.committed([tail("s1", 1)]);
  await Promise.all([a.stop(), none.stop()]);
  expect([bus.texts, none.hasBus]).toEqual([[], false]);
});

test("texts are no longer than the bus takes: tails are divided, a long list item is left out, a longer name too", async () => {
  const { bus, a, heard } = await scene({ maxBytes: 300 });
  a.committed(Array.from({ length: 40 }, (_unused, index) => tail(`session-${index}`, index)));
  a.committed([tail("x".repeat(400), 1)]);
  a.tell({ is: "listed", key: ["t", "s1"], item: { metadata: "x".repeat(400) } });
  await vi.waitUntil(() => heard.filter(({ is }) => is === "listed").length === 1);
  const told = heard.flatMap((note) => (note.is === "tails" ? note.tails : []));
  await vi.waitUntil(() => told.length === 40);
  expect(bus.texts.every((text) => Buffer.byteLength(text) <= 300)).toBe(true);
  expect(heard.find(({ is }) => is === "listed")).toEqual({ is: "listed", from: "a", key: ["t", "s1"] });
  expect(tailTexts("a", [["t", "😀".repeat(80), 1]], 300)).toEqual([]);
});

test("a bus that refuses or hangs is told of once, stops nobody, and serves again when it can", async () => {
  const { bus, a, heard, warnings } = await scene();
  bus.failure = new Error("no connection");
  for (let seq = 1; seq <= 5; seq += 1) {
    a.committed([tail("s1", seq)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await vi.waitUntil(() => warnings.length > 0);
  bus.failure = undefined;
  a.committed([tail("s1", 6)]);
  await vi.waitUntil(() => heard.length === 1);
  expect(warnings).toHaveLength(1);
  const hanging = new NodeNotes({
    nodeId: "h",
    bus: { ...bus.end(), publish: () => new Promise<void>(() => {}) },
    hasOthers: () => true,
    log: { ...silent, warn: (_detail, text) => void warnings.push(text) },
    publishMs: 1,
  });
  await hanging.start();
  hanging.committed([tail("s1", 1)]);
  await vi.waitUntil(() => warnings.length === 2);
  await hanging.stop();
});

test("while the bus takes nothing nodes poll as if there were none, also one that has nothing to say", async () => {
  const { bus, b } = await scene();
  expect(b.hasBus).toBe(true);
  bus.failure = new Error("no connection");
  b.probe();
  await vi.waitUntil(() => !b.hasBus);
  bus.failure = undefined;
  b.probe();
  await vi.waitUntil(() => b.hasBus);
});

test("freed leases and gaps wake who looks for sessions", async () => {
  const { bus, a, b, gaps } = await scene();
  let woken = 0;
  const stop = b.onLeaseFreed(() => (woken += 1));
  a.leaseFreed();
  await vi.waitUntil(() => woken === 1);
  bus.gap();
  expect([woken, gaps()]).toEqual([2, 1]);
  stop();
  bus.gap();
  expect([woken, gaps()]).toEqual([2, 2]);
});

test("what is no note is nothing", () => {
  const wrong = [
    "",
    "{",
    "null",
    '{"is":"tails"}',
    '{"is":"later","from":"a"}',
    '{"is":"tails","from":"a","tails":[["t","s",-1]]}',
  ];
  expect(wrong.map(parsedNote)).toEqual(wrong.map(() => null));
  expect(parsedNote('{"is":"free","from":"a","more":1}')).toEqual({ is: "free", from: "a" });
});
