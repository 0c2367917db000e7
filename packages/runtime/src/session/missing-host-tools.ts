import { MAIN_CONVERSATION, type AgentProfile, type EventDraft } from "@hhopkins/agent-runtime-protocol";
import type { SessionParts } from "./session-parts.ts";

/** Says which tools of the application an agent was to have and does not. */
export function missingHostTools(
  { hostTools, newId, now }: Pick<SessionParts, "hostTools" | "newId" | "now">,
  { sessionId }: { sessionId: string },
  profile: AgentProfile,
): EventDraft[] {
  const missing = hostTools.missing(profile);
  if (missing.length === 0) return [];
  const content = `The profile names host tools that this application does not have: ${missing.join(", ")}. The agent works without them. Give them to createAgentRuntime({ tools }), or take them out of the profile's hostTools.`;
  const block = {
    type: "system" as const,
    id: `server:${newId()}`,
    timestamp: now().toISOString(),
    content,
    subtype: "host_tool_missing",
  };
  const place = { sessionId, conversationId: MAIN_CONVERSATION };
  return [
    { type: "session:block:start", data: { ...place, block } },
    { type: "session:block:complete", data: { ...place, blockId: block.id, block } },
  ];
}
