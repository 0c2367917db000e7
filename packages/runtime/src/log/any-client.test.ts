import { initialState, reduceAll, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { memoryPersistence } from "../persistence/memory/index.ts";
import type { SessionStore } from "../persistence/session-store.ts";
import { sqlitePersistence } from "../persistence/sqlite/index.ts";
import { readState, SessionLog } from "./session-log.ts";
import { moves, Story, type Move } from "./testing/arbitrary-story.ts";
import { openLog } from "./testing/log-bench.ts";
import { Reader } from "./testing/reader.ts";

// Whatever happens to a log, to its server and to a client's line: the client ends in reduce(log), byte for byte.

type Bench = Awaited<ReturnType<typeof openLog>>;

class World {
  readonly #story = new Story();
  readonly #written: SessionEvent[] = [];
  readonly #readers: Reader[];
  #bench: Bench;
  readonly #earlier: SessionLog[] = [];
  /** Events that are gone from the store. */
  dropped = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
    bench.parts.hub.subscribe(bench.key, {
      frames: (frames) => this.#written.push(...frames.map(({ event }) => event)),
      ended: () => {},
    });
    this.#readers = Array.from({ length: 4 }, () => new Reader(bench.parts, bench.key));
  }

  async begin(): Promise<void> {
    this.#written.push(...(await this.#bench.parts.store.events(this.#bench.key, { after: 0, limit: 10 })));
    await this.#bench.log.append({ events: this.#story.begin() });
  }

  async make(move: Move): Promise<void> {
    const { log, parts, key } = this.#bench;
    switch (move.move) {
      case "write":
        for (const step of move.steps)
          await log.append({ events: this.#story.tell(step), snapshot: step.pick % 9 === 0 });
        return;
      case "read":
        return this.#readers[move.client]?.read(log.state.lastSeq, { most: move.batches, isSlow: move.isSlow });
      case "cut":
        return this.#readers[move.client]?.cut();
      case "snapshot":
        return this.#readers[move.client]?.cut({ state: await this.#readBack() });
      case "compacted":
        return log.rest();
      case "restart": {
        // What the last server still does in the background goes on beside the new one.
        this.#earlier.push(log);
        const head = await parts.store.head(key);
        if (head === null) throw new Error("no head");
        this.#bench = { key, parts, log: await SessionLog.open(key, parts, head) };
        for (const reader of this.#readers) await reader.cut();
      }
    }
  }

  async #readBack() {
    const { parts, key } = this.#bench;
    const head = await parts.store.head(key);
    if (head === null) throw new Error("no head");
    return readState(parts.store, key, head);
  }

  async end(): Promise<void> {
    const { log, parts, key } = this.#bench;
    for (const each of [...this.#earlier, log]) await each.rest();
    const whole = reduceAll(initialState(key.sessionId, "log1"), this.#written);
    const expected = JSON.stringify(whole);
    expect(JSON.stringify(log.state)).toBe(expected);
    expect(JSON.stringify(await this.#readBack())).toBe(expected);
    const late = new Reader(parts, key);
    for (const [index, reader] of [...this.#readers, late].entries()) {
      await reader.read(whole.lastSeq, { isSlow: index % 2 === 0 });
      expect(JSON.stringify(reader.state)).toBe(expected);
      await reader.cut();
    }
    expect(parts.hub.size).toBe(1);
    const kept = await parts.store.events(key, { after: 0, limit: 1_000_000 });
    this.dropped = whole.lastSeq - kept.length;
    // What was dropped is deltas, and each of them is stood for.
    const seqs = new Set(kept.map(({ seq }) => seq));
    for (const event of this.#written) if (!seqs.has(event.seq)) expect(event.type).toBe("session:block:delta");
    expect(kept.map(({ from, seq }) => from ?? seq)).toEqual([1, ...kept.slice(0, -1).map(({ seq }) => seq + 1)]);
  }
}

async function holds(store: () => Promise<SessionStore>, numRuns: number): Promise<void> {
  let dropped = 0;
  await fc.assert(
    fc.asyncProperty(moves, fc.constantFrom(1, 5, 100), async (story, compactAfter) => {
      const world = new World(await openLog(await store(), "s1", { compactAfter }));
      await world.begin();
      for (const move of story) await world.make(move);
      await world.end();
      dropped += world.dropped;
    }),
    { numRuns },
  );
  expect(dropped).toBeGreaterThan(1000);
}

test("any client of a log in memory ends in reduce(log), over cuts, merges, compactions and restarts", async () => {
  await holds(async () => memoryPersistence().store, 60);
});

test("any client of a log in SQLite ends in reduce(log), over cuts, merges, compactions and restarts", async () => {
  const adapters: ReturnType<typeof sqlitePersistence>[] = [];
  await holds(async () => {
    const adapter = sqlitePersistence({ file: ":memory:" });
    adapters.push(adapter);
    await adapter.open?.();
    return adapter.store;
  }, 40);
  for (const adapter of adapters) await adapter.close?.();
});
