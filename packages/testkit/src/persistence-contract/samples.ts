import {
  initialState,
  type AppendBatch,
  type ConversationBlock,
  type PersistedSessionListData,
  type SessionEvent,
  type SessionKey,
  type SessionState,
  type SessionStore,
  type StoredSandbox,
} from "@hhopkins/agent-runtime-protocol";
import assert from "node:assert/strict";

/** Texts that stores have been seen to break. */
export const ODD_TEXT = "naïve 日本語 👩‍👩‍👧‍👦 \u0000 \ud800 \udc00 \u2028 \" \\ ' % _ \r\n\t e\u0301";

/** A time so many minutes into a day. */
export function minute(n: number): string {
  return new Date(Date.UTC(2026, 10, 22, 8, n)).toISOString();
}

export function key(sessionId: string, tenant = "default"): SessionKey {
  return { tenant, sessionId };
}

export function record(sessionId: string, more: Partial<PersistedSessionListData> = {}): PersistedSessionListData {
  return { sessionId, type: "claude-agent-sdk", agentProfileReference: "default", createdAt: minute(0), ...more };
}

export function created(session: PersistedSessionListData): SessionEvent {
  return { seq: 1, at: session.createdAt, type: "session:created", data: { sessionId: session.sessionId, session } };
}

export function delta(sessionId: string, seq: number, text = `text ${seq}`): SessionEvent {
  const data = { sessionId, conversationId: "main", blockId: "b1", delta: text };
  return { seq, at: minute(1), type: "session:block:delta", data };
}

export function status(sessionId: string, seq: number, runtime: SessionState["runtime"]): SessionEvent {
  return { seq, at: minute(1), type: "session:status", data: { sessionId, runtime } };
}

export function text(id: string, content = `content of ${id}`): ConversationBlock {
  return { type: "assistant_text", id, timestamp: minute(1), content };
}

export function sandbox(generation: number): StoredSandbox {
  const ref = { id: `box-${generation}`, deep: { list: [1, null, "x"] } };
  return { provider: "local", generation, ref, token: `token-${generation}`, started: true };
}

export function stateAt(sessionId: string, lastSeq: number, more: Partial<SessionState> = {}): SessionState {
  return { ...initialState(sessionId, `log-of-${sessionId}`), ...record(sessionId), lastSeq, ...more };
}

/** Creates a session whose log has its first event. */
export async function createSession(
  store: SessionStore,
  at: SessionKey,
  more: Partial<PersistedSessionListData> = {},
): Promise<PersistedSessionListData> {
  const session = record(at.sessionId, more);
  const first = { events: [created(session)] };
  await store.create({ ...at, record: session, logId: `log-of-${at.sessionId}`, first });
  return session;
}

/** Appends one batch that must be taken. */
export async function append(store: SessionStore, batch: AppendBatch): Promise<void> {
  assert.deepEqual(await store.append([batch]), [null]);
}

/** A batch without events at a seq. */
export function change(at: SessionKey, expectedSeq: number, write: Partial<AppendBatch>): AppendBatch {
  return { ...at, expectedSeq, events: [], ...write };
}
