import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import type { ListSessionsOptions } from "../client.ts";

export type ListFilter = Omit<ListSessionsOptions, "limit" | "cursor" | "order">;

/** Whether a session is one of those that a filter asks for, as the server says it of its own. */
export function passes(session: SessionListItem, filter: ListFilter): boolean {
  const { type, agentProfileReference, isLoaded, createdFrom, createdBefore, activeFrom, activeBefore } = filter;
  const { createdAt, lastActivity = createdAt } = session;
  return (
    is(session.type, type) &&
    is(session.agentProfileReference, agentProfileReference) &&
    is(session.runtime.isLoaded, isLoaded) &&
    isBetween(createdAt, createdFrom, createdBefore) &&
    isBetween(lastActivity, activeFrom, activeBefore)
  );
}

function is<T>(value: T, wanted: T | undefined): boolean {
  return wanted === undefined || value === wanted;
}

function isBetween(at: string, from: string | undefined, before: string | undefined): boolean {
  const time = Date.parse(at);
  return (from === undefined || time >= Date.parse(from)) && (before === undefined || time < Date.parse(before));
}
