import {
  initialState,
  reduce,
  type ConversationBlock,
  type SessionEvent,
  type SessionKey,
  type SessionStore,
} from "@hhopkins/agent-runtime-protocol";
import type { StoreUnderBench } from "./store-under-bench.ts";

export const AT = "2026-11-22T08:00:00.000Z";
const TEXT = "a delta of some words, as a model streams them".repeat(4);
/** Rows that a call of the store writes while it is filled. */
const PAGE = 1_000;

export function keyOf(sessionId: string): SessionKey {
  return { tenant: "default", sessionId };
}

export function deltas(sessionId: string, after: number, count: number): SessionEvent[] {
  return Array.from({ length: count }, (_unused, index) => ({
    seq: after + index + 1,
    at: AT,
    type: "session:block:delta",
    data: { sessionId, conversationId: "main", blockId: "block-1", delta: TEXT },
  }));
}

export async function createSession(store: SessionStore, sessionId: string): Promise<void> {
  const record = { sessionId, type: "claude-agent-sdk", agentProfileReference: "default", createdAt: AT };
  await store.create({ ...keyOf(sessionId), record, logId: "L", first: { events: [] } });
}

async function append(store: SessionStore, batch: Parameters<SessionStore["append"]>[0][number]): Promise<void> {
  const [failure] = await store.append([batch]);
  if (failure !== null) throw failure ?? new Error("no outcome");
}

/** A session whose log has so many deltas. Written by the database itself: it would take the store minutes. */
export async function fillLog(
  { store, bare, series }: StoreUnderBench,
  sessionId: string,
  count: number,
): Promise<void> {
  await createSession(store, sessionId);
  const [event] = deltas(sessionId, 0, 1);
  const data = JSON.stringify(event?.data);
  await bare.run(`insert into events (tenant, session_id, seq, version, at, type, data)
    select 'default', '${sessionId}', n, 1, '${AT}', 'session:block:delta', '${data}' from ${series(count)}`);
  await bare.run(`update logs set last_seq = ${count} where session_id = '${sessionId}'`);
}

/** So many sessions of the tenant `many`, of 4 types and 100 profiles, every hundredth loaded, in no order. */
export async function fillSessions({ bare, series }: StoreUnderBench, count: number): Promise<void> {
  const runtime = JSON.stringify({ isLoaded: false, sandbox: null });
  const at = Date.parse(AT);
  await bare.run(`insert into sessions (tenant, session_id, type, profile, name, created_at, sort_at, created_ms, runtime, loaded)
    select 'many', concat('session-', n), concat('type-', n % 4), concat('profile-', n % 100), concat('"session ', n, '"'),
      '${AT}', ${at} + (n * 1979) % ${count}, ${at} + (n * 1777) % ${count}, '${runtime}', case when n % 100 = 0 then 1 else 0 end
    from ${series(count)}`);
}

/** A session with so many blocks, written as turns write them, and a snapshot of its end. */
export async function fillBlocks({ store }: StoreUnderBench, sessionId: string, count: number): Promise<void> {
  await createSession(store, sessionId);
  let state = initialState(sessionId, "L");
  for (let from = 0; from < count; from += PAGE) {
    const events: SessionEvent[] = [];
    const blocks = [];
    for (let n = from + 1; n <= Math.min(count, from + PAGE); n += 1) {
      const block: ConversationBlock = { type: "assistant_text", id: `block-${n}`, timestamp: AT, content: TEXT };
      const data = { sessionId, conversationId: "main" };
      events.push({ seq: n * 2 - 1, at: AT, type: "session:block:start", data: { ...data, block } });
      const complete = { ...data, blockId: block.id, block };
      events.push({ seq: n * 2, at: AT, type: "session:block:complete", data: complete });
      blocks.push({ conversationId: "main", blockId: block.id, position: n * 2 - 1, block });
    }
    for (const event of events) state = reduce(state, event);
    await append(store, { ...keyOf(sessionId), expectedSeq: from * 2, events, blocks, snapshot: state });
  }
}

/** A session with so many files. */
export async function fillFiles({ store }: StoreUnderBench, sessionId: string, count: number): Promise<void> {
  await createSession(store, sessionId);
  for (let from = 0; from < count; from += PAGE) {
    const put = Array.from({ length: Math.min(PAGE, count - from) }, (_unused, index) => ({
      path: `src/part-${(from + index) % 100}/file-${from + index}.ts`,
      size: 4096,
      sha256: (from + index).toString(16).padStart(64, "0"),
    }));
    await append(store, { ...keyOf(sessionId), expectedSeq: 0, events: [], files: { put, deleted: [] } });
  }
}
