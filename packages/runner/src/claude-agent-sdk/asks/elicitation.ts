import type { ElicitationRequest, ElicitationResult } from "@anthropic-ai/claude-agent-sdk";
import { MAIN_CONVERSATION, mcpToolPrefix, type AskAnswer, type OpenedAsk } from "@hhopkins/agent-runtime-protocol";
import type { OpenCall } from "./calls.ts";

/** What an MCP server wants to know, in the conversation whose call it is about: the one that waits for that server. */
export function elicitationAsk(request: ElicitationRequest, calls: readonly OpenCall[]): Omit<OpenedAsk, "askId"> {
  const { serverName, message, requestedSchema, url } = request;
  const waiting = calls.filter(({ toolName }) => toolName.startsWith(mcpToolPrefix(serverName)));
  const [call] = waiting.length === 1 ? waiting : [];
  return {
    kind: "elicitation",
    conversationId: call?.conversationId ?? MAIN_CONVERSATION,
    ...(call === undefined ? {} : { toolUseId: call.toolUseId }),
    prompt: `${serverName}: ${message}`,
    details: {
      serverName,
      message,
      ...(requestedSchema === undefined ? {} : { requestedSchema }),
      ...(url === undefined ? {} : { url }),
    },
  };
}

export function elicitationResult(answer: AskAnswer | null): ElicitationResult {
  if (answer === null) return { action: "cancel" };
  if (answer.decision === "deny") return { action: "decline" };
  return { action: "accept", content: (answer.content ?? {}) as NonNullable<ElicitationResult["content"]> };
}
