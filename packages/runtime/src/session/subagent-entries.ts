import { addUsage, MAIN_CONVERSATION, NO_USAGE, type EntryBody, type Usage } from "@hhopkins/agent-runtime-protocol";
import type { EntryWrite } from "./entry-translation.ts";

type SubagentEntry<K extends string> = Extract<EntryBody, { kind: `subagent:${K}` }>;

/** Adds what a runner says of a subagent. Returns why it was refused, or null. */
export function addSubagentEntry(
  write: EntryWrite,
  body: SubagentEntry<"discovered" | "completed" | "usage">,
): string | null {
  switch (body.kind) {
    case "subagent:discovered":
      return discovered(write, body);
    case "subagent:completed":
      return completed(write, body);
    case "subagent:usage":
      return used(write, body);
  }
}

function discovered(write: EntryWrite, body: SubagentEntry<"discovered">): string | null {
  const { subagentId, name, parentId, background } = body;
  if (write.knows(subagentId) && !hasEnded(write, subagentId)) return `subagent ${subagentId} exists`;
  if (parentId !== undefined && !write.knows(parentId)) return `unknown conversation ${parentId}`;
  write.subagents.add(subagentId);
  const subagent = {
    id: subagentId,
    name,
    status: "running" as const,
    ...(parentId === undefined ? {} : { parentId }),
    ...(background === undefined ? {} : { background }),
  };
  write.events.push({ type: "session:subagent:discovered", data: { sessionId: write.sessionId, subagent } });
  return null;
}

function completed(write: EntryWrite, body: SubagentEntry<"completed">): string | null {
  const { subagentId, status, output } = body;
  if (!isSubagent(write, subagentId)) return `unknown subagent ${subagentId}`;
  const data = { sessionId: write.sessionId, subagentId, status, ...(output === undefined ? {} : { output }) };
  write.events.push({ type: "session:subagent:completed", data });
  return null;
}

function used(write: EntryWrite, body: SubagentEntry<"usage">): string | null {
  const { subagentId } = body;
  if (!isSubagent(write, subagentId)) return `unknown subagent ${subagentId}`;
  const before = usedBefore(write, subagentId);
  write.events.push({
    type: "session:subagent:usage",
    data: {
      sessionId: write.sessionId,
      subagentId,
      usage: addUsage(before.usage, body.usage),
      costUSD: before.costUSD + body.costUSD,
    },
  });
  return null;
}

/** One that has ended can be sent a message, and goes on. */
function hasEnded({ events, state }: EntryWrite, subagentId: string): boolean {
  for (const { type, data } of events.toReversed()) {
    if (type === "session:subagent:completed" && data.subagentId === subagentId) return true;
    if (type === "session:subagent:discovered" && data.subagent.id === subagentId) return false;
  }
  const status = state.subagents.find(({ id }) => id === subagentId)?.status;
  return status !== undefined && status !== "running";
}

function isSubagent(write: EntryWrite, id: string): boolean {
  return id !== MAIN_CONVERSATION && write.knows(id);
}

/** What it had used by the end of the write so far. */
function usedBefore({ events, state }: EntryWrite, subagentId: string): { usage: Usage; costUSD: number } {
  for (const { type, data } of events.toReversed())
    if (type === "session:subagent:usage" && data.subagentId === subagentId) return data;
  const { usage = NO_USAGE, costUSD = 0 } = state.subagents.find(({ id }) => id === subagentId) ?? {};
  return { usage, costUSD };
}
