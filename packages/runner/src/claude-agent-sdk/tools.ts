import { resultText } from "./content.ts";
import type { NativeContent } from "./native.ts";
import { toId, type Outlet } from "./outlet.ts";

/** A call of a tool that has begun. */
export interface ToolCall {
  readonly toolUseId: string;
  readonly toolName: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly conversationId: string;
  readonly blockId: string;
}

/** The calls whose results are awaited. */
export interface Tools {
  started(call: ToolCall): void;
  find(toolUseId: string): ToolCall | undefined;
  /** A `tool_result` content that came in `conversationId`. */
  result(conversationId: string, content: NativeContent): void;
  /** No result will come any more; with a conversation, in that one. */
  abandon(conversationId?: string): void;
  /** No result will come any more of calls that had begun, and nobody knows what they did. */
  lose(unbegun: ReadonlySet<string>): void;
  /** Results come elsewhere. */
  forget(): void;
}

export function createTools(outlet: Outlet): Tools {
  const running = new Map<string, { readonly call: ToolCall; readonly since: number }>();
  return {
    started: (call) => void running.set(call.toolUseId, { call, since: outlet.milliseconds() }),
    find: (toolUseId) => running.get(toolUseId)?.call,
    result(conversationId, content) {
      const toolUseId = toId(content.tool_use_id ?? "");
      const tool = running.get(toolUseId);
      const isError = content.is_error === true;
      const where = tool?.call.conversationId ?? conversationId;
      outlet.whole(where, {
        type: "tool_result",
        id: outlet.claim(`result:${toolUseId}`),
        timestamp: outlet.timestamp(),
        toolUseId,
        content: resultText(content.content),
        isError,
        ...(tool === undefined ? {} : { durationMs: Math.max(0, outlet.milliseconds() - tool.since) }),
      });
      if (tool === undefined) return;
      outlet.update(where, tool.call.blockId, { status: isError ? "error" : "success" });
      running.delete(toolUseId);
    },
    abandon(conversationId) {
      for (const [toolUseId, { call }] of running) {
        if (conversationId !== undefined && call.conversationId !== conversationId) continue;
        outlet.update(call.conversationId, call.blockId, { status: "error" });
        running.delete(toolUseId);
      }
    },
    lose(unbegun) {
      for (const { call } of running.values()) {
        if (unbegun.has(call.toolUseId)) continue;
        const content = "The agent's process ended before the result of this call was known: its outcome is unknown.";
        const about = { id: outlet.claim(`result:${call.toolUseId}`), timestamp: outlet.timestamp() };
        const { toolUseId, conversationId } = call;
        outlet.whole(conversationId, { type: "tool_result", ...about, toolUseId, content, isError: true });
      }
    },
    forget: () => running.clear(),
  };
}
