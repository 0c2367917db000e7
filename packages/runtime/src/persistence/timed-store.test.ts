import { runPersistenceCase, sessionStoreContract } from "@hhopkins/agent-runtime-testkit";
import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { expect, test, vi } from "vitest";
import { memoryPersistence } from "./memory/index.ts";
import type { SessionStore } from "./session-store.ts";
import { timedStore } from "./timed-store.ts";

const key = { tenant: "default", sessionId: "s1" };
const record = { sessionId: "s1", type: "t", agentProfileReference: "default", createdAt: "2026-11-22T08:00:00Z" };
const created: SessionEvent = {
  seq: 1,
  at: record.createdAt,
  type: "session:created",
  data: { sessionId: "s1", session: record },
};
const batch = { ...key, expectedSeq: 1, events: [] };
const noAnswer = (method: string) => ({
  code: "persistence_unavailable",
  message: `The store did not answer ${method} within 20 ms.`,
});

/** A real store in memory with one session, some of whose methods are others. */
async function timed(changes: (real: SessionStore) => Partial<SessionStore>) {
  const real = memoryPersistence().store;
  await real.create({ ...key, record, logId: "L", first: { events: [created] } });
  const onLate = vi.fn();
  return { real, onLate, store: timedStore({ ...real, ...changes(real) }, { timeoutMs: 20, onLate }) };
}

const hangs = () => new Promise<never>(() => undefined);

test("what hangs fails: a call, a stream in its middle, and a method that throws at once", async () => {
  const { store } = await timed(() => ({
    head: hangs,
    async *blob() {
      yield new Uint8Array([1]);
      await hangs();
    },
    list: () => {
      throw new Error("at once");
    },
  }));
  await expect(store.head(key)).rejects.toMatchObject(noAnswer("head"));
  await expect(store.list({ tenant: "default", limit: 1 })).rejects.toThrow("at once");
  const seen: Uint8Array[] = [];
  const reading = async (): Promise<void> => {
    for await (const piece of store.blob(key, "x")) seen.push(piece);
  };
  await expect(reading()).rejects.toMatchObject(noAnswer("blob"));
  expect(seen).toHaveLength(1);
});

test("a write that hung and was done after all is told; one that failed after all is not", async () => {
  const gate = Promise.withResolvers<void>();
  const { store, onLate } = await timed((real) => ({
    append: async (batches) => {
      await gate.promise;
      return real.append(batches);
    },
  }));
  await expect(store.append([batch, { ...batch, sessionId: "unknown" }])).rejects.toMatchObject(noAnswer("append"));
  expect(onLate).not.toHaveBeenCalled();
  gate.resolve();
  await vi.waitFor(() => expect(onLate).toHaveBeenCalledExactlyOnceWith([key]));
});

test("while a write hangs, the store is given no other one before it answers a question", async () => {
  const append = vi.fn(hangs);
  let answers = false;
  const { store } = await timed((real) => ({ append, head: (of) => (answers ? real.head(of) : hangs()) }));
  await expect(store.append([batch])).rejects.toMatchObject(noAnswer("append"));
  await expect(store.append([batch])).rejects.toMatchObject(noAnswer("head"));
  await expect(store.append([batch])).rejects.toMatchObject(noAnswer("head"));
  expect(append).toHaveBeenCalledOnce();
  answers = true;
  await expect(store.append([batch])).rejects.toMatchObject(noAnswer("append"));
  expect(append).toHaveBeenCalledTimes(2);
});

test("a store that never answers writes is not given them for ever", async () => {
  const append = vi.fn(hangs);
  const { store } = await timed(() => ({ append }));
  for (let n = 0; n < 16; n += 1) await expect(store.append([batch])).rejects.toMatchObject(noAnswer("append"));
  await expect(store.append([batch])).rejects.toThrow(/never answered 16 writes/);
  expect(append).toHaveBeenCalledTimes(16);
});

test.for(Object.entries(sessionStoreContract))("keeps the contract: %s", async ([, each], { skip }) => {
  const adapter = memoryPersistence();
  const store = timedStore(adapter.store, { timeoutMs: 10_000, onLate: () => undefined });
  const outcome = await runPersistenceCase(each, { open: async () => ({ ...adapter, store }) });
  if (outcome.state === "skipped") skip(`of a store of its own: ${outcome.reason}`);
  if (outcome.state === "failed") throw outcome.error;
});
