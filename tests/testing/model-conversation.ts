import type { ScriptedModel } from "@hhopkins/agent-runtime-testkit";

type Part = { type: string; text?: string; name?: string; content?: unknown };
type Message = { role: string; content: string | Part[] };

/**
 * The conversation of the model's last request in which these words stand, a line a piece: what the user said, without
 * its script; what the agent said; tools by their names, and their results. What the harness adds by itself is left out.
 */
export function askedConversation(model: ScriptedModel, words: string): string[] {
  const request = model.requests.findLast(({ body }) => JSON.stringify(body ?? null).includes(words));
  const { messages = [] } = (request?.body ?? {}) as { messages?: Message[] };
  return messages.flatMap(({ role, content }) => {
    if (role === "system") return [];
    const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
    return parts.flatMap((part) => lineOf(role, part));
  });
}

function lineOf(role: string, part: Part): string[] {
  if (part.type === "tool_use") return [`tool: ${part.name}`];
  if (part.type === "tool_result") return [`result: ${textOf(part.content)}`];
  if (part.type !== "text" || part.text === undefined || part.text.startsWith("<system-reminder>")) return [];
  return [`${role}: ${part.text.replace(/\s*<<<.*>>>/s, "").trim()}`];
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return Array.isArray(content) ? (content as Part[]).map(({ text = "" }) => text).join("") : "";
}
