import type { EventDraft } from "@hhopkins/agent-runtime-protocol";
import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { MemoryBus } from "../bus/testing/memory-bus.ts";
import { Committer } from "../log/committer.ts";
import { followLog } from "../log/follower.ts";
import type { LogFrame } from "../log/frame.ts";
import { LogHub } from "../log/hub.ts";
import { SessionLog } from "../log/session-log.ts";
import { KEY, openLog } from "../log/testing/log-bench.ts";
import { memoryStore } from "../persistence/memory-store.ts";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import { NodeNotes } from "./node-notes.ts";
import { RemoteLogs } from "./remote-logs.ts";

// A session moves between nodes while clients of all of them follow it: nobody sees a hole or anything twice.

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const ticks = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) await tick();
};
const NODES = 3;

/** What one node has of logs: its own writing, and the reading of what others write. */
class Node {
  readonly hub = new LogHub();
  readonly store: SessionStore;
  readonly #notes: NodeNotes;
  readonly #logs: RemoteLogs;
  log: SessionLog | undefined;

  constructor(store: SessionStore, bus: MemoryBus, nodeId: string) {
    this.store = store;
    this.#notes = new NodeNotes({ nodeId, bus: bus.end(), hasOthers: () => true, log: SILENT });
    this.#logs = new RemoteLogs({
      store,
      cluster: { tails: (keys) => Promise.all(keys.map(async (key) => (await store.head(key))?.lastSeq ?? null)) },
      hub: this.hub,
      notes: this.#notes,
      localTail: () => this.log?.state.lastSeq,
      pollMs: 1_000_000,
      log: SILENT,
    });
  }

  async start(): Promise<void> {
    await this.#notes.start();
    this.#logs.start();
  }

  async stop(): Promise<void> {
    await this.#logs.stop();
    await this.#notes.stop();
  }

  async own(key: SessionKey): Promise<void> {
    const { store, hub } = this;
    const head = await store.head(key);
    if (head === null) throw new Error("the session is gone");
    const committer = new Committer(store, undefined, (tails) => this.#notes.committed(tails));
    this.log = await SessionLog.open(key, { store, hub, committer, now: () => new Date(), compactAfter: 20 }, head);
  }
}

class Follower {
  readonly #stop = new AbortController();
  readonly #after: number;
  readonly #frames: LogFrame[] = [];
  #ended: Promise<void>;
  hasEnded = false;

  /** `pause`: how slowly it reads. */
  constructor(node: Node, after: number, pause = 0) {
    this.#after = after;
    this.#ended = this.#run(node, pause);
  }

  async #run(node: Node, pause: number): Promise<void> {
    const lastSeq = (await node.store.head(KEY))?.lastSeq ?? 0;
    const options = { after: this.#after, signal: this.#stop.signal, lastSeq };
    for await (const frames of followLog(node, KEY, options)) {
      this.#frames.push(...frames);
      await ticks(pause);
    }
    this.hasEnded = true;
  }

  get reached(): number {
    return this.#frames.at(-1)?.event.seq ?? this.#after;
  }

  /** Numbers that it did not get in their turn. */
  get faults(): readonly string[] {
    const faults: string[] = [];
    let reached = this.#after;
    for (const { first, event } of this.#frames) {
      if (first !== reached + 1) faults.push(`${first} after ${reached}`);
      reached = event.seq;
    }
    return faults;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}

type Step =
  | { readonly step: "write"; readonly events: number }
  | { readonly step: "move"; readonly to: number }
  | { readonly step: "follow"; readonly node: number; readonly back: number; readonly pause: number }
  | { readonly step: "unfollow" | "settle" | "gap" | "lossy" | "sound" };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ step: fc.constant("write" as const), events: fc.constantFrom(1, 2, 3, 40, 700) }),
    },
    { weight: 4, arbitrary: fc.record({ step: fc.constant("move" as const), to: fc.nat(NODES - 1) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        step: fc.constant("follow" as const),
        node: fc.nat(NODES - 1),
        back: fc.nat(30),
        pause: fc.nat(8),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ step: fc.constantFrom("unfollow", "settle", "settle", "gap", "lossy", "sound") }),
    },
  ),
  { minLength: 5, maxLength: 30, size: "max" },
);

let written = 0;
const message = (): EventDraft => ({
  type: "session:message:queued",
  data: { sessionId: KEY.sessionId, messageId: `m${(written += 1)}`, content: "text" },
});

async function play(story: readonly Step[]): Promise<void> {
  const store = memoryStore();
  await openLog(store);
  const bus = new MemoryBus();
  const nodes = Array.from({ length: NODES }, (_unused, index) => new Node(store, bus, `node${index}`));
  await Promise.all(nodes.map((node) => node.start()));
  let owner = nodes[0]!;
  await owner.own(KEY);
  const followers = nodes.map((node, index) => new Follower(node, 0, index * 2));
  for (const step of story) {
    if (step.step === "write") {
      await owner.log?.append({ events: Array.from({ length: step.events }, message) });
    } else if (step.step === "move") {
      owner.log = undefined;
      owner = nodes[step.to]!;
      await owner.own(KEY);
    } else if (step.step === "follow") {
      followers.push(
        new Follower(nodes[step.node]!, Math.max(0, (owner.log?.state.lastSeq ?? 0) - step.back), step.pause),
      );
    } else if (step.step === "unfollow") {
      await followers.shift()?.stop();
    } else if (step.step === "settle") {
      await ticks(5);
    } else if (step.step === "gap") {
      bus.gap();
    } else {
      bus.isLossy = step.step === "lossy";
    }
  }
  bus.isLossy = false;
  const lastSeq = (await store.head(KEY))?.lastSeq;
  // What was lost is found by asking.
  await vi.waitUntil(() => (bus.gap(), followers.every(({ reached }) => reached === lastSeq)), {
    interval: 2,
  });
  expect(followers.flatMap(({ faults }) => faults)).toEqual([]);
  // A deletion on another node ends everybody's stream here.
  owner.log = undefined;
  await store.delete(KEY);
  await vi.waitUntil(() => (bus.gap(), followers.every(({ hasEnded }) => hasEnded)), { interval: 2 });
  await Promise.all(nodes.map((node) => node.stop()));
}

test("followers on every node survive a session's moves between nodes, lost notes and gaps, without hole or double", async () => {
  await fc.assert(fc.asyncProperty(steps, play), { numRuns: 60, endOnFailure: true });
});

test("many followers of another node's session cost one read of the store for each note", async () => {
  const inner = memoryStore();
  await openLog(inner);
  let reads = 0;
  const store: SessionStore = new Proxy(inner, {
    get: (target, name) => {
      if (name === "events") reads += 1;
      return Reflect.get(target, name);
    },
  });
  const bus = new MemoryBus();
  const [writer, reader] = [new Node(inner, bus, "writer"), new Node(store, bus, "reader")];
  await Promise.all([writer.start(), reader.start()]);
  await writer.own(KEY);
  const followers = Array.from({ length: 50 }, () => new Follower(reader, 1));
  await vi.waitUntil(() => reads === 50);
  for (let n = 2; n <= 11; n += 1) {
    await writer.log?.append({ events: [message()] });
    await vi.waitUntil(() => followers.every(({ reached }) => reached === n));
  }
  expect(reads).toBe(60);
  await Promise.all(followers.map((follower) => follower.stop()));
  await Promise.all([writer.stop(), reader.stop()]);
});
