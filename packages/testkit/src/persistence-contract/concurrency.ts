import assert from "node:assert/strict";
import type { SessionKey, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { append, change, createSession, delta, key, record, created } from "./samples.ts";
import {
  assertCode,
  collect,
  needed,
  openStore,
  storeOf,
  type PersistenceCase,
  type PersistenceSubject,
} from "./subject.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function seqs(store: SessionStore, at: SessionKey): Promise<number[]> {
  return (await store.events(at, { after: 0, limit: 10_000 })).map((event) => event.seq);
}

/** One append after the other, each at the tail that it reads, until `count` of its own are in the log. */
async function appender(store: SessionStore, name: string, count: number): Promise<number> {
  let refused = 0;
  for (let kept = 0; kept < count;) {
    const head = await store.head(key("s1"));
    assert.ok(head);
    const { lastSeq } = head;
    const event = delta("s1", lastSeq + 1, `${name}:${kept}`);
    const [outcome] = await store.append([{ ...key("s1"), expectedSeq: lastSeq, events: [event] }]);
    if (outcome === null) kept += 1;
    else {
      assertCode(outcome, "sequence_conflict");
      refused += 1;
    }
  }
  return refused;
}

async function manyAppenders(stores: readonly SessionStore[]): Promise<void> {
  const [store] = stores;
  assert.ok(store);
  await createSession(store, key("s1"));
  const writers = range(0, 19).map((index) => appender(stores[index % stores.length] ?? store, `w${index}`, 5));
  const refused = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
  assert.deepEqual(await seqs(store, key("s1")), range(1, 101));
  assert.equal((await store.head(key("s1")))?.lastSeq, 101);
  assert.ok(refused > 0, "no two writers ever met: the case proves nothing");
  const texts = (await store.events(key("s1"), { after: 1, limit: 1000 })).map((event) => JSON.stringify(event.data));
  assert.equal(new Set(texts).size, 100);
}

/** The same data through two instances of the adapter. */
async function openTwo(subject: PersistenceSubject): Promise<[SessionStore, SessionStore]> {
  const second = needed(subject, "second");
  return [storeOf(await subject.open()), storeOf(await second())];
}

export const concurrencyCases: Record<string, PersistenceCase> = {
  "append: of twenty writers at once each event has a number of its own": async (subject) => {
    await manyAppenders([await openStore(subject)]);
  },

  "append: of twenty writers in two processes each event has a number of its own": async (subject) => {
    await manyAppenders(await openTwo(subject));
  },

  "append: what one process has written another reads at once": async (subject) => {
    const [one, two] = await openTwo(subject);
    await createSession(one, key("s1"));
    for (let seq = 2; seq <= 20; seq += 1) {
      const [writer, reader] = seq % 2 === 0 ? [one, two] : [two, one];
      await append(writer, { ...key("s1"), expectedSeq: seq - 1, events: [delta("s1", seq)] });
      assert.deepEqual(await reader.events(key("s1"), { after: seq - 1, limit: 10 }), [delta("s1", seq)]);
      assert.equal((await reader.head(key("s1")))?.lastSeq, seq);
    }
  },

  "append: twenty sessions at once do not stand in each other's way": async (subject) => {
    const store = await openStore(subject);
    const keys = range(1, 20).map((n) => key(`s${n}`));
    await Promise.all(keys.map((at) => createSession(store, at)));
    await Promise.all(
      keys.map(async (at) => {
        for (let seq = 2; seq <= 6; seq += 1) {
          await append(store, { ...at, expectedSeq: seq - 1, events: [delta(at.sessionId, seq)] });
        }
      }),
    );
    for (const at of keys) assert.deepEqual(await seqs(store, at), range(1, 6));
  },

  "create: of ten at once with one id one is there, and the others are told": async (subject) => {
    const store = await openStore(subject);
    const session = record("s1");
    const creations = range(1, 10).map((n) =>
      store.create({ ...key("s1"), record: session, logId: `log-${n}`, first: { events: [created(session)] } }),
    );
    const outcomes = await Promise.allSettled(creations);
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    assert.equal(refused.length, 9);
    for (const error of refused) assertCode(error, "conflict");
    const kept = outcomes.findIndex(({ status }) => status === "fulfilled");
    assert.equal((await store.head(key("s1")))?.logId, `log-${kept + 1}`);
    assert.deepEqual(await seqs(store, key("s1")), [1]);
  },

  "append: of ten at once with one message one is kept": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const appends = range(1, 10).map((n) => {
      const messages = [{ messageId: "m1", idempotencyKey: `k${n}`, contentHash: `h${n}` }];
      return store.append([{ ...key("s1"), expectedSeq: 1, events: [delta("s1", 2, `${n}`)], messages }]);
    });
    const outcomes = (await Promise.all(appends)).map(([outcome]) => outcome);
    assert.equal(outcomes.filter((outcome) => outcome === null).length, 1);
    const kept = outcomes.indexOf(null) + 1;
    assert.deepEqual(await store.events(key("s1"), { after: 1, limit: 10 }), [delta("s1", 2, `${kept}`)]);
    assert.equal((await store.message(key("s1"), { messageId: "m1" }))?.contentHash, `h${kept}`);
  },

  "compact: beside appends and readers nothing is missing, and nothing comes twice": async (subject) => {
    const store = await openStore(subject);
    await createSession(store, key("s1"));
    const last = 120;
    const writing = async (): Promise<void> => {
      for (let seq = 2; seq <= last; seq += 2) {
        await append(store, { ...key("s1"), expectedSeq: seq - 1, events: [delta("s1", seq), delta("s1", seq + 1)] });
      }
    };
    const compacting = async (): Promise<void> => {
      for (let tail = 0; tail < last;) {
        tail = (await store.head(key("s1")))?.lastSeq ?? 0;
        const drop = range(0, Math.max(0, Math.floor((tail - 2) / 10) - 1)).map((n) => ({
          from: n * 10 + 2,
          to: n * 10 + 8,
        }));
        const upTo = drop.at(-1)?.to ?? 0;
        if (upTo < tail) await store.compact(key("s1"), { drop: drop.filter(({ to }) => to < tail), upTo });
      }
    };
    const reading = async (): Promise<void> => {
      for (let after = 0; after < last;) {
        for (const { seq, from } of await store.events(key("s1"), { after, limit: 7 })) {
          assert.equal(from ?? seq, after + 1);
          after = seq;
        }
      }
    };
    await Promise.all([writing(), compacting(), reading(), reading()]);
    assert.equal((await store.head(key("s1")))?.lastSeq, last + 1);
  },

  "delete: while others write, nothing is left": async (subject) => {
    const rowCount = needed(subject, "rowCount");
    const store = await openStore(subject);
    await createSession(store, key("s2"));
    const before = await rowCount();
    for (const name of ["a", "b", "c"]) {
      await createSession(store, key(name));
      const sha256 = name.repeat(64).slice(0, 64);
      const writing = async (): Promise<void> => {
        for (let seq = 2; ; seq += 1) {
          const blob = { sha256, offset: seq, total: 1000, bytes: Buffer.from("x") };
          const write = { transcript: [{ key: "main", lines: ["line"] }], blobs: [blob] };
          const batch = change(key(name), seq - 1, { events: [delta(name, seq)], ...write });
          const [outcome] = await store.append([batch]);
          if (outcome === null) continue;
          assertCode(outcome, "session_not_found");
          return;
        }
      };
      const written = writing();
      while (((await store.head(key(name)))?.lastSeq ?? 0) < 5);
      await store.delete(key(name));
      await written;
      assert.deepEqual(await collect(store.transcript(key(name))), []);
    }
    assert.equal(await rowCount(), before);
  },
};
