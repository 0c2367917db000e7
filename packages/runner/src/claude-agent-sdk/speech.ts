import { MAIN_CONVERSATION } from "@hhopkins/agent-runtime-protocol";
import { asObject } from "./content.ts";
import type { NativeContent, NativeMessage, NativeStreamEvent } from "./native.ts";
import { toId, type Outlet } from "./outlet.ts";
import type { Tools } from "./tools.ts";

type Kind = "assistant_text" | "thinking" | "tool_use";

/** A block that streams: no assistant message has carried it yet, so it can still turn out to be void. */
interface OpenBlock {
  readonly kind: Kind;
  readonly id: string;
  readonly timestamp: string;
  readonly toolUseId: string;
  readonly toolName: string;
  /** A block of text starts with its first character: empty ones are never seen. */
  started: boolean;
  text: string;
}

/** What the model says in one conversation, streamed or whole. */
export interface Speech {
  streamEvent(event: NativeStreamEvent): void;
  assistant(message: NativeMessage): void;
  /** Ends what is still open. `keep`: as far as it was streamed; else it is taken back. */
  close(keep: boolean): void;
  /** The last complete text. */
  lastText(): string | undefined;
}

const KINDS: Readonly<Record<string, Kind>> = { text: "assistant_text", thinking: "thinking", tool_use: "tool_use" };

export function createSpeech(conversationId: string, outlet: Outlet, tools: Tools): Speech {
  /** By the index in the native message `streamId`. */
  const open = new Map<number, OpenBlock>();
  let streamId: string | undefined;
  let sawMessageDelta = false;
  let lastText: string | undefined;
  /** Content of the native message `wholeId` that came in whole messages. */
  let wholeId: string | undefined;
  let wholeCount = 0;

  function openBlock(index: number, content: NativeContent | undefined): void {
    const kind = KINDS[content?.type ?? ""];
    if (kind === undefined) return;
    const before = open.get(index);
    if (before !== undefined) retract(before, false);
    const toolUseId = toId(content?.id ?? "");
    const block: OpenBlock = {
      kind,
      id: outlet.claim(kind === "tool_use" ? `tool:${toolUseId}` : `${streamId ?? "message"}:${index}`),
      timestamp: outlet.timestamp(),
      toolUseId,
      toolName: content?.name ?? "",
      started: false,
      text: "",
    };
    open.set(index, block);
    if (kind === "tool_use") start(block);
    append(block, content?.text ?? content?.thinking ?? "");
  }

  function start(block: OpenBlock): void {
    block.started = true;
    const { id, timestamp, kind, toolUseId, toolName } = block;
    outlet.start(
      conversationId,
      kind === "tool_use"
        ? { type: kind, id, timestamp, toolUseId, toolName, input: {}, status: "pending" }
        : { type: kind, id, timestamp, content: "" },
    );
  }

  function append(block: OpenBlock, delta: unknown): void {
    if (typeof delta !== "string" || delta === "") return;
    if (!block.started) start(block);
    block.text += delta;
    outlet.put({ kind: "block:delta", conversationId, blockId: block.id, delta });
  }

  function complete(block: OpenBlock, content: NativeContent): void {
    const { id, timestamp, kind } = block;
    if (kind === "tool_use") {
      if (!block.started) start(block);
      const { toolUseId, toolName } = block;
      const input = asObject(content.input);
      outlet.complete(conversationId, { type: kind, id, timestamp, toolUseId, toolName, input, status: "running" });
      tools.started({ toolUseId, toolName, input, conversationId, blockId: id });
      return;
    }
    const text = (kind === "thinking" ? content.thinking : content.text) ?? "";
    if (kind === "assistant_text" && text !== "") lastText = text;
    if (text === "" && !block.started) return;
    if (!block.started) start(block);
    outlet.complete(conversationId, { type: kind, id, timestamp, content: text });
  }

  function retract(block: OpenBlock, keep: boolean): void {
    if (!block.started) return;
    const { id, timestamp, kind, toolUseId, toolName, text } = block;
    if (kind === "tool_use") {
      const status = "error" as const;
      outlet.complete(conversationId, {
        type: kind,
        id,
        timestamp,
        toolUseId,
        toolName,
        input: {},
        status,
        retracted: true,
      });
      return;
    }
    outlet.complete(conversationId, { type: kind, id, timestamp, content: text, ...(keep ? {} : { retracted: true }) });
  }

  function close(keep: boolean): void {
    for (const block of open.values()) retract(block, keep);
    open.clear();
    streamId = undefined;
  }

  /** The open block that a whole content belongs to. */
  function takeOpen(content: NativeContent, kind: Kind): OpenBlock | undefined {
    for (const [index, block] of open) {
      if (block.kind !== kind || (kind === "tool_use" && block.toolUseId !== toId(content.id ?? ""))) continue;
      open.delete(index);
      return block;
    }
    return undefined;
  }

  function unstreamed(messageId: string, content: NativeContent, kind: Kind): OpenBlock {
    if (wholeId !== messageId) wholeCount = 0;
    wholeId = messageId;
    const toolUseId = toId(content.id ?? "");
    const id = outlet.claim(kind === "tool_use" ? `tool:${toolUseId}` : `${messageId}:${wholeCount}`);
    wholeCount++;
    return {
      kind,
      id,
      timestamp: outlet.timestamp(),
      toolUseId,
      toolName: content.name ?? "",
      started: false,
      text: "",
    };
  }

  return {
    streamEvent(event) {
      switch (event.type) {
        case "message_start":
          close(false);
          streamId = event.message?.id ?? "message";
          sawMessageDelta = false;
          return;
        case "content_block_start":
          openBlock(event.index ?? 0, event.content_block);
          return;
        case "content_block_delta": {
          const block = open.get(event.index ?? 0);
          if (block !== undefined)
            append(block, event.delta?.text ?? event.delta?.thinking ?? event.delta?.partial_json);
          return;
        }
        case "message_delta":
          sawMessageDelta = true;
          return;
        case "message_stop":
          // A cut stream ends without a message_delta, and what no assistant message carried is void.
          if (!sawMessageDelta) close(false);
          return;
        default:
      }
    },
    assistant(message) {
      const messageId = message.message?.id ?? "message";
      if (streamId !== undefined && messageId !== streamId) close(false);
      const contents = message.message?.content;
      for (const content of Array.isArray(contents) ? (contents as readonly NativeContent[]) : []) {
        const kind = KINDS[content.type];
        if (kind !== undefined) complete(takeOpen(content, kind) ?? unstreamed(messageId, content, kind), content);
      }
    },
    close,
    lastText: () => lastText,
  };
}

/** The conversation that a native message belongs to. A subagent has the id of the tool call that started it. */
export function conversationOf(message: NativeMessage): string {
  const parent = message.parent_tool_use_id;
  return typeof parent === "string" && parent !== "" ? toId(parent) : MAIN_CONVERSATION;
}
