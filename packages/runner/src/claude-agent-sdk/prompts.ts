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
 * has commands of its own, such as `/clear`, that would change the conversation behind the log's back; only those that the
 * runner lets through are called. A line's end before it says so; marked as composed by a client it would come without the list of skills.
 */
export function promptOf(message: HarnessMessage, recalls = 0): Prompt {
  const { messageId, content, isCommand = false, files = [], media = [] } = message;
  const text = content.startsWith("/") && !isCommand ? `\n${content}` : content;
  return {
    type: "user",
    message: { role: "user", content: [...media.map(mediaBlock), { type: "text", text }, ...filesBlock(files)] },
    parent_tool_use_id: null,
    uuid: uuidOf(recalls === 0 ? messageId : `${messageId} ${recalls}`),
  };
}

type Content = Exclude<SDKUserMessage["message"]["content"], string>[number];
type ImageType = "image/png" | "image/jpeg" | "image/gif" | "image/webp";

/** The harness itself makes large images smaller. */
function mediaBlock({ name, mediaType, data }: NonNullable<HarnessMessage["media"]>[number]): Content {
  const bytes = data.toString("base64");
  if (mediaType === "application/pdf")
    return { type: "document", title: name, source: { type: "base64", media_type: mediaType, data: bytes } };
  return { type: "image", source: { type: "base64", media_type: mediaType as ImageType, data: bytes } };
}

function filesBlock(files: NonNullable<HarnessMessage["files"]>): Content[] {
  if (files.length === 0) return [];
  const lines = files.map(({ path, mediaType, size }) => `- ${path} (${mediaType}, ${size} bytes)`);
  return [{ type: "text", text: `Files that came with this message, in the workspace:\n${lines.join("\n")}` }];
}

/** A UUID of version 8 (RFC 9562) from a hash of the id. */
function uuidOf(messageId: string): ReturnType<typeof crypto.randomUUID> {
  const hex = createHash("sha256").update(messageId).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0b11) | 0b1000).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
