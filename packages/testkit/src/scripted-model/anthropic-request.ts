import { z } from "zod";
import type { ModelRequest } from "./play.ts";
import type { ConversationMessage } from "./script-search.ts";

// Loose on purpose: harnesses send much that plays no part here, and more with every version.
const textPartSchema = z.looseObject({ type: z.string(), text: z.string().optional() });
const resultContentSchema = z.union([z.string(), z.array(textPartSchema)]);
const blockSchema = textPartSchema.extend({ content: z.unknown().optional() });
const contentSchema = z.union([z.string(), z.array(blockSchema)]);

const requestSchema = z.looseObject({
  model: z.string().min(1),
  messages: z.array(z.looseObject({ role: z.string(), content: contentSchema })).min(1),
  system: contentSchema.optional(),
  tools: z.array(z.looseObject({ name: z.string() })).optional(),
  stream: z.boolean().optional(),
  metadata: z.looseObject({ user_id: z.string().nullish() }).optional(),
});

type Content = z.infer<typeof contentSchema>;

/** A request in Anthropic's Messages format, as far as the scripted model looks at it. */
export interface AnthropicRequest extends ModelRequest {
  readonly model: string;
  readonly stream: boolean;
}

/** Reads a request body; a string says what is wrong with it. */
export function readAnthropicRequest(body: unknown): AnthropicRequest | string {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) {
    return parsed.error.issues
      .map((issue) => `${issue.path.map(String).join(".") || "body"}: ${issue.message}`)
      .join("; ");
  }
  const { model, messages, system, tools, stream, metadata } = parsed.data;
  // Claude Code also puts messages of the role `system` among the others: its environment, reminders.
  const ofSystem = messages.filter(({ role }) => role === "system");
  return {
    model,
    stream: stream ?? false,
    systemText: [system ?? "", ...ofSystem.map(({ content }) => content)].flatMap(textsOf).join("\n"),
    toolNames: (tools ?? []).map((tool) => tool.name),
    conversationKey: metadata?.user_id ?? "",
    messages: messages.flatMap(({ role, content }) => spokenMessage(role, content)),
  };
}

function spokenMessage(role: string, content: Content): ConversationMessage[] {
  if (role !== "system") return [{ role: role === "assistant" ? "assistant" : "user", texts: textsOf(content) }];
  const texts = textsOf(content).flatMap((text) => steeredBySystem.exec(text)?.[1] ?? []);
  return texts.length === 0 ? [] : [{ role: "user", texts }];
}

/** The texts of the user or the model. What stands in a tool result is not the user's word, but for messages that a harness put there. */
function textsOf(content: Content): string[] {
  if (typeof content === "string") return [content];
  return content.flatMap((block) => {
    if (block.type === "tool_result") return steeredTexts(block.content);
    return block.type === "text" && block.text !== undefined ? [block.text] : [];
  });
}

/** Claude Code hands a message that came during a tool to its model at the end of the tool's result, in a reminder. */
const steered = /<system-reminder>\s*The user sent a new message[^\n]*\n([\s\S]*?)<\/system-reminder>/g;

/** For newer models it is a message of the role `system`. */
const steeredBySystem = /^The user sent a new message[^\n]*\n([\s\S]*)/;

function steeredTexts(resultContent: unknown): string[] {
  const parsed = resultContentSchema.safeParse(resultContent);
  if (!parsed.success) return [];
  const texts = typeof parsed.data === "string" ? [parsed.data] : parsed.data.map((part) => part.text ?? "");
  return texts.flatMap((text) => Array.from(text.matchAll(steered), (match) => match[1] ?? ""));
}
