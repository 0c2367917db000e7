import {
  PROTOCOL_VERSION,
  RuntimeError,
  parseEvent,
  type PersistedSessionListData,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import type { Selectable } from "kysely";
import type { SessionHead, StoredEvent, StoredMessage, StoredSandbox } from "../session-store.ts";
import type { Tables } from "./schema.ts";

/** Parses a JSON text of the database; `where` says which in the error. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what it wrote there
export function decodeJson<T>(text: string, where: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw damaged(where, cause);
  }
}

function damaged(where: string, cause: unknown): RuntimeError {
  return new RuntimeError("persistence_unavailable", `What the database holds of ${where} is damaged.`, { cause });
}

type EventRow = Pick<Selectable<Tables["events"]>, "session_id" | "seq" | "from_seq" | "at" | "type" | "data">;

/** A stored event, checked, for a reader who has those up to `after`. */
export function decodeEvent(row: EventRow, after: number): StoredEvent {
  const event = decodeRow(row);
  const from = Math.max(row.from_seq ?? row.seq, after + 1);
  return from < row.seq ? { ...event, from } : event;
}

function decodeRow({ session_id, seq, at, type, data }: EventRow): SessionEvent {
  const where = `event ${seq} of session ${session_id}`;
  try {
    const event = parseEvent({ seq, at, type, data: JSON.parse(data) });
    if (event !== null) return event;
  } catch (cause) {
    throw damaged(where, cause);
  }
  throw damaged(where, new Error(`unknown type ${type}`));
}

export function decodeRecord(
  row: Omit<Selectable<Tables["sessions"]>, "tenant" | "sort_at" | "created_ms" | "runtime" | "loaded">,
): PersistedSessionListData {
  const where = `session ${row.session_id}`;
  const { name, last_activity: lastActivity, session_options: options, metadata } = row;
  return {
    sessionId: row.session_id,
    type: row.type,
    agentProfileReference: row.profile,
    ...(name === null ? {} : { name: decodeJson<string>(name, where) }),
    createdAt: row.created_at,
    ...(lastActivity === null ? {} : { lastActivity }),
    ...(options === null ? {} : { sessionOptions: decodeJson(options, where) }),
    ...(metadata === null ? {} : { metadata: decodeJson(metadata, where) }),
  };
}

type HeadRow = Selectable<Tables["sessions"]> &
  Selectable<Tables["logs"]> & { sandbox: string | null; state: string | null; version: number | null };

export function decodeHead(row: HeadRow): SessionHead {
  const where = `session ${row.session_id}`;
  const usable = row.state !== null && row.version === PROTOCOL_VERSION;
  return {
    record: decodeRecord(row),
    logId: row.log_id,
    lastSeq: row.last_seq,
    compactedTo: row.compacted_to,
    snapshot: usable && row.state !== null ? decodeJson<SessionState>(row.state, where) : null,
    cursor:
      row.cursor_generation === null || row.cursor_n === null
        ? null
        : { generation: row.cursor_generation, n: row.cursor_n },
    sandbox: row.sandbox === null ? null : decodeJson<StoredSandbox>(row.sandbox, where),
    nativeSessionId: row.native_session_id,
    generation: row.generation,
  };
}

type MessageRow = Omit<Selectable<Tables["messages"]>, "tenant" | "session_id">;

export function decodeMessage(row: MessageRow): StoredMessage {
  return {
    messageId: row.message_id,
    ...(row.idempotency_key === null ? {} : { idempotencyKey: row.idempotency_key }),
    contentHash: row.content_hash,
    ...(row.position === null ? {} : { position: row.position }),
  };
}
