import type { EventDraft } from "@hhopkins/agent-runtime-protocol";

const timestamp = "2026-01-01T00:00:00.000Z";

/** The events of one assistant text that grows by `deltas`. */
export function textEvents(sessionId: string, id: string, deltas: readonly string[]): EventDraft[] {
  const conversationId = "main";
  const block = { type: "assistant_text" as const, id, timestamp, content: "" };
  return [
    { type: "session:block:start", data: { sessionId, conversationId, block } },
    ...deltas.map((delta): EventDraft => ({
      type: "session:block:delta",
      data: { sessionId, conversationId, blockId: id, delta },
    })),
    {
      type: "session:block:complete",
      data: { sessionId, conversationId, blockId: id, block: { ...block, content: deltas.join("") } },
    },
  ];
}
