import type { AppendBatch, PersistedSessionListData, SessionStore } from "@hhopkins/agent-runtime-protocol";
import { memoryStore } from "../../persistence/memory-store.ts";
import { Committer } from "../committer.ts";
import { LogHub } from "../hub.ts";
import { numbered, SessionLog } from "../session-log.ts";

export const KEY = { tenant: "default", sessionId: "s1" };

export interface Gate {
  /** From now on appends wait. */
  close(): void;
  /** Lets what waits go on; with an error it fails instead. */
  open(error?: Error): void;
  /** Appends that wait. */
  readonly waiting: number;
}

/** A real store behind a gate that can hold or fail its appends. */
export function gatedStore(): { store: SessionStore; gate: Gate; batches: number[] } {
  const inner = memoryStore();
  const batches: number[] = [];
  let closed = false;
  let waiting: ((error: Error | undefined) => void)[] = [];
  const append = async (group: readonly AppendBatch[]): Promise<readonly (Error | null)[]> => {
    if (closed) {
      const error = await new Promise<Error | undefined>((resolve) => waiting.push(resolve));
      if (error !== undefined) throw error;
    }
    batches.push(group.length);
    return inner.append(group);
  };
  const gate: Gate = {
    close: () => {
      closed = true;
    },
    open: (error) => {
      closed = false;
      for (const go of waiting) go(error);
      waiting = [];
    },
    get waiting() {
      return waiting.length;
    },
  };
  return {
    store: new Proxy(inner, { get: (target, name) => (name === "append" ? append : Reflect.get(target, name)) }),
    gate,
    batches,
  };
}

export async function openLog(store: SessionStore, sessionId = KEY.sessionId, more: { compactAfter?: number } = {}) {
  const key = { ...KEY, sessionId };
  const record: PersistedSessionListData = {
    sessionId,
    type: "claude-agent-sdk",
    agentProfileReference: "default",
    createdAt: "2026-01-01T00:00:00.000Z",
  };
  const created = numbered(
    { type: "session:created", data: { sessionId, session: record } },
    { seq: 1, at: record.createdAt },
  );
  await store.create({ ...key, record, logId: "log1", first: { events: [created.event] } });
  const head = await store.head(key);
  if (head === null) throw new Error("the session was not created");
  const now = (): Date => new Date("2026-01-01T00:00:01.000Z");
  const parts = { store, committer: new Committer(store), hub: new LogHub(), now, ...more };
  return { key, parts, log: await SessionLog.open(key, parts, head) };
}
