import { RuntimeError, type AppendBatch, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { memoryPersistence } from "../memory/index.ts";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import { postgresPersistence } from "./index.ts";
import { testDatabase, type TestDatabase } from "./testing/test-database.ts";

const AT = "2026-11-22T08:00:00.000Z";
const TENANTS = ["default", "other"];
const SESSIONS = ["s1", "s2", "s3"];

let database: TestDatabase;
let adapter: PersistenceAdapter & { readonly store: SessionStore };
let run = 0;

beforeAll(async () => {
  database = await testDatabase();
  adapter = postgresPersistence({ connectionString: database.url });
  await adapter.open?.();
});
afterAll(async () => {
  await adapter.close?.();
  await database.drop();
});

/** A text with what is hard for databases: quotes, braces, NUL, what stands between our texts, halves of characters. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("\u0000", "\u0001\u0002", "NULL", '{"a","b"}', "\\", "'", "\ud800", ""),
);

/** What a batch has beside its events; every part may be missing. */
const part = fc.record(
  {
    lines: fc.array(text, { maxLength: 3 }),
    block: fc.record({
      id: fc.constantFrom("b1", "b2"),
      content: fc.option(text),
      position: fc.integer({ min: 1, max: 9 }),
    }),
    record: fc.record(
      {
        name: text,
        lastActivity: fc.constantFrom(AT, "2026-11-23T08:00:00.000Z"),
        metadata: fc.dictionary(text, text),
      },
      { requiredKeys: [] },
    ),
    cursor: fc.record({ generation: fc.integer({ min: 1, max: 2 }), n: fc.integer({ min: 1, max: 5 }) }),
    isLoaded: fc.boolean(),
    snapshot: text,
    message: fc.constantFrom("m1", "m2"),
    nativeSessionId: fc.constantFrom("n1", "n2"),
  },
  { requiredKeys: [] },
);

const batch = fc.record({
  tenant: fc.constantFrom(...TENANTS),
  sessionId: fc.constantFrom(...SESSIONS, "none"),
  /** How far from where the log is; mostly not. */
  off: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1) }),
  texts: fc.array(text, { maxLength: 4 }),
  part,
});

type Drawn = typeof batch extends fc.Arbitrary<infer T> ? T : never;

function batchOf({ tenant, sessionId, off, texts, part: drawn }: Drawn, lastSeq: number): AppendBatch {
  const expectedSeq = Math.max(0, lastSeq + off);
  const { lines, block, record, cursor, isLoaded, snapshot, message, nativeSessionId } = drawn;
  const deltas = texts.map((delta) => ({ sessionId, conversationId: "main", blockId: "b1", delta }));
  const runtime = { isLoaded, sandbox: null };
  const events = [
    ...deltas.map((data) => ({ type: "session:block:delta", data })),
    ...(isLoaded === undefined ? [] : [{ type: "session:status", data: { sessionId, runtime } }]),
  ].map((event, index) => ({ ...event, seq: expectedSeq + index + 1, at: AT })) as unknown as SessionEvent[];
  const content = block?.content ?? null;
  const written = { id: block?.id ?? "", timestamp: AT, type: "assistant_text" as const, content: content ?? "" };
  return {
    tenant,
    sessionId,
    expectedSeq,
    events,
    ...(lines === undefined
      ? {}
      : { transcript: [{ key: "main", lines }, ...lines.map((line) => ({ key: line, lines: [line] }))] }),
    ...(block === undefined
      ? {}
      : {
          blocks: [
            {
              conversationId: "main",
              blockId: block.id,
              position: block.position,
              block: content === null ? null : written,
            },
          ],
        }),
    ...(record === undefined ? {} : { record: JSON.parse(JSON.stringify(record)) as object }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(snapshot === undefined
      ? {}
      : { snapshot: { lastSeq: 1, said: snapshot, runtime: { isLoaded: false, sandbox: null } } as never }),
    // Not beside a cursor: of two things that are wrong stores may name either.
    ...(message === undefined || cursor !== undefined ? {} : { messages: [{ messageId: message, contentHash: "h" }] }),
    ...(nativeSessionId === undefined ? {} : { nativeSessionId }),
  };
}

/** All that can be read of every session. */
async function everything(store: SessionStore, suffix: string): Promise<unknown> {
  const all: unknown[] = [];
  for (const base of TENANTS) {
    const tenant = base + suffix;
    all.push(await store.list({ tenant, limit: 10 }));
    for (const sessionId of SESSIONS) {
      const key = { tenant, sessionId };
      const transcript: unknown[] = [];
      for await (const entry of store.transcript(key)) transcript.push(entry);
      all.push(
        await store.head(key),
        await store.events(key, { after: 0, limit: 1_000 }),
        await store.blocks(key, { conversationId: "main", limit: 10 }),
        await store.message(key, { messageId: "m1" }),
        transcript,
      );
    }
  }
  return JSON.parse(JSON.stringify(all).replaceAll(suffix, "")) as unknown;
}

function codes(outcomes: readonly (Error | null)[]): (string | null)[] {
  return outcomes.map((outcome) => (outcome instanceof RuntimeError ? outcome.code : outcome && outcome.message));
}

test("appends of every shape, many sessions' at once, come to the same as in memory", async () => {
  const groups = fc.array(fc.array(batch, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(groups, async (drawn) => {
      const suffix = `-run${(run += 1)}`;
      const memory = memoryPersistence().store;
      const stores = [memory, adapter.store];
      for (const base of TENANTS) {
        for (const sessionId of SESSIONS) {
          const record = { sessionId, type: "t", agentProfileReference: "default", createdAt: AT };
          const session = { tenant: base + suffix, sessionId, record, logId: "L", first: { events: [] } };
          for (const store of stores) await store.create(session);
        }
      }
      for (const group of drawn) {
        const at = new Map<string, number>();
        const batches: AppendBatch[] = [];
        for (const one of group) {
          const tenant = one.tenant + suffix;
          const name = `${tenant}/${one.sessionId}`;
          const head = at.get(name) ?? (await memory.head({ tenant, sessionId: one.sessionId }))?.lastSeq ?? 0;
          const made = batchOf({ ...one, tenant }, head);
          // The next one of this session in the group goes on from here, whether this one is taken or not.
          at.set(name, made.expectedSeq + made.events.length);
          batches.push(made);
        }
        const [expected, got] = await Promise.all(stores.map((store) => store.append(batches)));
        expect(codes(got ?? [])).toEqual(codes(expected ?? []));
      }
      expect(await everything(adapter.store, suffix)).toEqual(await everything(memory, suffix));
    }),
    { numRuns: 20, endOnFailure: true },
  );
}, 120_000);
