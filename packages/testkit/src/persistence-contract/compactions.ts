import assert from "node:assert/strict";
import type { Compaction, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { append, createSession, delta, key } from "./samples.ts";
import { assertRejects, openStore, storeOf, type PersistenceCase } from "./subject.ts";

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** A log of `last` events. */
async function sessionWithEvents(store: SessionStore, last: number): Promise<void> {
  await createSession(store, key("s1"));
  const events = range(2, last).map((seq) => delta("s1", seq));
  await append(store, { ...key("s1"), expectedSeq: 1, events });
}

/** The log as a reader at `after` is given it: numbers, and what each stands for where that is more. */
async function shape(store: SessionStore, after = 0, limit = 1000): Promise<(number | string)[]> {
  const events = await store.events(key("s1"), { after, limit });
  return events.map(({ seq, from }) => (from === undefined ? seq : `${from}-${seq}`));
}

const compact = (store: SessionStore, drop: Compaction["drop"], upTo: number) =>
  store.compact(key("s1"), { drop, upTo });

export const compactionCases: Record<string, PersistenceCase> = {
  "compact: what is dropped is gone, and the event after it stands for it": async (subject) => {
    const store = await openStore(subject);
    await sessionWithEvents(store, 12);
    await compact(
      store,
      [
        { from: 3, to: 5 },
        { from: 8, to: 8 },
      ],
      9,
    );
    assert.deepEqual(await shape(store), [1, 2, "3-6", 7, "8-9", 10, 11, 12]);
    const [six] = await store.events(key("s1"), { after: 2, limit: 1 });
    assert.deepEqual(six, { ...delta("s1", 6), from: 3 });
    const head = await store.head(key("s1"));
    assert.deepEqual([head?.lastSeq, head?.compactedTo], [12, 9]);
  },

  "compact: an event stands for nothing that its reader has": async (subject) => {
    const store = await openStore(subject);
    await sessionWithEvents(store, 12);
    await compact(store, [{ from: 3, to: 5 }], 6);
    assert.deepEqual(await shape(store, 2, 2), ["3-6", 7]);
    assert.deepEqual(await shape(store, 3, 2), ["4-6", 7]);
    assert.deepEqual(await shape(store, 4, 2), ["5-6", 7]);
    assert.deepEqual(await shape(store, 5, 2), [6, 7]);
    assert.deepEqual(await shape(store, 6, 2), [7, 8]);
  },

  "compact: pages are as long as they were asked for, over what is missing": async (subject) => {
    const store = await openStore(subject);
    await sessionWithEvents(store, 300);
    await compact(store, [{ from: 10, to: 250 }], 250);
    assert.deepEqual(await shape(store, 7, 4), [8, 9, "10-251", 252]);
  },

  "compact: what lies beside an earlier gap, or over it, makes one gap": async (subject) => {
    const store = await openStore(subject);
    await sessionWithEvents(store, 20);
    await compact(store, [{ from: 5, to: 6 }], 6);
    await compact(store, [{ from: 7, to: 8 }], 8);
    assert.deepEqual(await shape(store, 3, 3), [4, "5-9", 10]);
    await compact(store, [{ from: 3, to: 12 }], 12);
    assert.deepEqual(await shape(store, 0, 4), [1, 2, "3-13", 14]);
  },

  "compact: again, or with a lower upTo, changes nothing": async (subject) => {
    const store = await openStore(subject);
    await sessionWithEvents(store, 12);
    for (let time = 0; time < 3; time += 1) await compact(store, [{ from: 3, to: 5 }], 9);
    await compact(store, [{ from: 4, to: 4 }], 5);
    assert.deepEqual(await shape(store), [1, 2, "3-6", 7, 8, 9, 10, 11, 12]);
    assert.equal((await store.head(key("s1")))?.compactedTo, 9);
  },

  "compact: the log's last event stays, or nothing is dropped": async (subject) => {
    const store = await openStore(subject);
    await sessionWithEvents(store, 12);
    await assertRejects(
      compact(
        store,
        [
          { from: 3, to: 5 },
          { from: 8, to: 12 },
        ],
        12,
      ),
      "invalid_request",
    );
    assert.deepEqual(await shape(store), range(1, 12));
    assert.equal((await store.head(key("s1")))?.compactedTo, 0);
  },

  "compact: appends go on at the tail, also beside it": async (subject) => {
    const store = await openStore(subject);
    await sessionWithEvents(store, 12);
    await Promise.all([
      compact(store, [{ from: 2, to: 11 }], 11),
      append(store, { ...key("s1"), expectedSeq: 12, events: [delta("s1", 13)] }),
    ]);
    await append(store, { ...key("s1"), expectedSeq: 13, events: [delta("s1", 14)] });
    assert.deepEqual(await shape(store), [1, "2-12", 13, 14]);
  },

  "compact: one session's log alone, and none where there is none": async (subject) => {
    const store = await openStore(subject);
    await sessionWithEvents(store, 6);
    await createSession(store, key("s2"));
    await append(store, { ...key("s2"), expectedSeq: 1, events: range(2, 6).map((seq) => delta("s2", seq)) });
    await compact(store, [{ from: 2, to: 4 }], 4);
    await store.compact(key("none"), { drop: [{ from: 2, to: 4 }], upTo: 4 });
    assert.equal(await store.head(key("none")), null);
    assert.equal((await store.events(key("s2"), { after: 0, limit: 10 })).length, 6);
    assert.deepEqual(await shape(store), [1, "2-5", 6]);
  },

  "compact: it is kept": async (subject) => {
    const store = await openStore(subject);
    await sessionWithEvents(store, 12);
    await compact(store, [{ from: 3, to: 5 }], 9);
    const again = subject.reopen === undefined ? store : storeOf(await subject.reopen());
    assert.deepEqual(await shape(again, 1, 3), [2, "3-6", 7]);
    assert.equal((await again.head(key("s1")))?.compactedTo, 9);
  },
};
