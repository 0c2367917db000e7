import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { Follow } from "../session/service.ts";

/** Where a follower stands: the last event that it has, and of which log. */
export interface Cursor {
  readonly after: number;
  readonly logId?: string;
}

/** What `session:resync` says to a follower that cannot be served. */
export function resyncData(sessionId: string, { resync: reason, lastSeq, logId }: Follow): object {
  return { sessionId, reason, lastSeq, logId };
}

interface CursorParameters {
  readonly after?: string | null | undefined;
  readonly logId?: string | null | undefined;
}

/** The cursor of query parameters; `after` is 0 where none is given. Throws `invalid_request`. */
export function parseCursor({ after, logId }: CursorParameters): Cursor {
  const number = after === undefined || after === null ? 0 : parseSeq(after, "query.after");
  return logId === undefined || logId === null ? { after: number } : { after: number, logId: parseLogId(logId) };
}

/** The cursor of SSE's `Last-Event-ID`, `logId:seq`. A log's id may hold colons; a seq does not. */
export function parseEventId(eventId: string): Cursor {
  const at = eventId.lastIndexOf(":");
  if (at < 1) throw invalid("header.last-event-id", "must be logId:seq");
  return { logId: parseLogId(eventId.slice(0, at)), after: parseSeq(eventId.slice(at + 1), "header.last-event-id") };
}

function parseSeq(text: string, field: string): number {
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number)) throw invalid(field, "must be a number from 0");
  return number;
}

function parseLogId(text: string): string {
  if (text.length === 0 || text.length > 128) throw invalid("query.logId", "must have 1–128 characters");
  return text;
}

function invalid(field: string, problem: string): RuntimeError {
  return new RuntimeError("invalid_request", `${field}: ${problem}`, { field });
}
