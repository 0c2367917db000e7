import { createHash } from "node:crypto";
import type { SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import type { HarnessMessage } from "../architecture.ts";

/** The input stream of a harness: messages go in one by one for as long as it lives. */
export interface Prompts extends AsyncIterable<SDKUserMessage> {
  push(message: SDKUserMessage): void;
  end(): void;
}

export function createPrompts(): Prompts {
  const waiting: SDKUserMessage[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  const stir = (): void => wake?.();
  return {
    push(message) {
      waiting.push(message);
      stir();
    },
    end() {
      ended = true;
      stir();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else if (ended) return;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

export type Prompt = SDKUserMessage & { uuid: string };

/**
 * A user's message for the harness. Its uuid follows from our id, and from how often it was taken back before: the
 * harness drops one whose uuid it has seen. What begins with a slash is text too: the harness
 * has commands of its own, such as `/clear`, that would change the conversation behind the log's back. A line's end before
 * it says so; marked as composed by a client it would come without the list of skills.
 */
export function promptOf({ messageId, content }: HarnessMessage, recalls = 0): Prompt {
  return {
    type: "user",
    message: { role: "user", content: [{ type: "text", text: content.startsWith("/") ? `\n${content}` : content }] },
    parent_tool_use_id: null,
    uuid: uuidOf(recalls === 0 ? messageId : `${messageId} ${recalls}`),
  };
}

/** A UUID of version 8 (RFC 9562) from a hash of the id. */
function uuidOf(messageId: string): ReturnType<typeof crypto.randomUUID> {
  const hex = createHash("sha256").update(messageId).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0b11) | 0b1000).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
