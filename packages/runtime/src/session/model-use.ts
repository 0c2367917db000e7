import { addUsage, type EventDraft, type GatewayCount, type SessionState } from "@hhopkins/agent-runtime-protocol";
import type { ModelUse } from "../gateway/port.ts";
import type { LogWrite } from "../log/session-log.ts";
import type { SessionKey } from "../persistence/session-store.ts";

/** Taken to be written. */
export interface TakenCount {
  readonly count: GatewayCount;
  /** It was not written. */
  undo(): void;
}

/** What the gateway has counted and no log holds yet, by session. */
export class ModelUses {
  readonly #pending = new Map<string, GatewayCount>();

  add(key: SessionKey, use: Pick<ModelUse, "requests" | "usage">): void {
    const name = nameOf(key);
    this.#pending.set(name, sum(this.#pending.get(name), use));
  }

  /** What a session's writer takes from. */
  of(key: SessionKey): () => TakenCount | null {
    return () => {
      const count = this.#pending.get(nameOf(key));
      if (count === undefined) return null;
      this.forget(key);
      return { count, undo: () => this.add(key, count) };
    };
  }

  forget(key: SessionKey): void {
    this.#pending.delete(nameOf(key));
  }
}

function nameOf({ tenant, sessionId }: SessionKey): string {
  return JSON.stringify([tenant, sessionId]);
}

function sum(before: GatewayCount | undefined, { requests, usage }: GatewayCount): GatewayCount {
  if (before === undefined) return { requests, usage };
  return { requests: before.requests + requests, usage: addUsage(before.usage, usage) };
}

/**
 * The write with what the gateway has counted since: in the news of what was used where it has one, else before a turn's
 * end or with a session's last words. Other writes do not tell it.
 */
export function countedWrite(
  write: LogWrite,
  state: SessionState,
  take: () => TakenCount | null,
): { counted: LogWrite; taken: TakenCount | null } {
  const at = write.events.findLastIndex(({ type }) => type === "session:metadata:update");
  const end = write.events.findIndex(({ type }) => type === "session:turn:completed");
  const taken = at === -1 && end === -1 && write.snapshot !== true ? null : take();
  if (taken === null) return { counted: write, taken };
  const told = write.events[at];
  const metadata = told?.type === "session:metadata:update" ? told.data.metadata : state.sessionMetadata;
  const event: EventDraft = {
    type: "session:metadata:update",
    data: { sessionId: state.sessionId, metadata: { ...metadata, gateway: sum(metadata.gateway, taken.count) } },
  };
  const events = [...write.events];
  if (at !== -1) events[at] = event;
  else events.splice(end === -1 ? events.length : end, 0, event);
  return { counted: { ...write, events }, taken };
}
