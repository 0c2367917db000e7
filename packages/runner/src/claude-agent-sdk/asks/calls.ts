import { MAIN_CONVERSATION } from "@hhopkins/agent-runtime-protocol";
import { asObject } from "../content.ts";
import { contentOf, type NativeMessage } from "../native.ts";
import { toId } from "../outlet.ts";
import { conversationOf } from "../speech.ts";

/** A tool's call that has no result yet. */
export interface OpenCall {
  readonly toolUseId: string;
  readonly toolName: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly conversationId: string;
}

/** The calls of a turn whose results are awaited, in the order in which the agent made them. */
export interface Calls {
  follow(message: NativeMessage): { readonly returned: readonly string[] };
  /** The call, once its message was followed; undefined where it does not come. */
  find(toolUseId: string): Promise<OpenCall | undefined>;
  all(): OpenCall[];
  /** One of an earlier process. */
  add(call: OpenCall): void;
  clear(): void;
}

/** The harness asks at once, and what it says comes through a queue; a call that it makes by itself comes never. */
const MESSAGE_MS = 5_000;

export function createCalls(): Calls {
  const open = new Map<string, OpenCall>();
  const watchers = new Set<() => void>();

  function add(call: OpenCall): void {
    open.set(call.toolUseId, call);
    for (const watch of watchers) watch();
  }

  return {
    follow(message) {
      const returned: string[] = [];
      if (message.isReplay === true) return { returned };
      const conversationId = conversationOf(message);
      for (const content of contentOf(message.message)) {
        if (message.type === "assistant" && content.type === "tool_use") {
          const toolUseId = toId(content.id ?? "");
          add({ toolUseId, toolName: content.name ?? "", input: asObject(content.input), conversationId });
        }
        if (message.type === "user" && content.type === "tool_result") {
          const toolUseId = toId(content.tool_use_id ?? "");
          if (open.delete(toolUseId)) returned.push(toolUseId);
        }
      }
      return { returned };
    },
    async find(toolUseId) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const watch = (): void => void (open.has(toolUseId) && resolve());
      const timer = setTimeout(resolve, MESSAGE_MS);
      watchers.add(watch);
      watch();
      await promise;
      clearTimeout(timer);
      watchers.delete(watch);
      return open.get(toolUseId);
    },
    all: () => [...open.values()],
    add,
    clear: () => open.clear(),
  };
}

/** Of a subagent, or of one of its subagents. */
export function isOfSubagent({ conversationId }: OpenCall): boolean {
  return conversationId !== MAIN_CONVERSATION;
}
