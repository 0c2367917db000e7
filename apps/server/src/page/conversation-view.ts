import type { ConversationBlock, SessionState } from "@hhopkins/agent-runtime-protocol";
import { createBlockView, type BlockView } from "./block-view.ts";
import { make, setChildren } from "./elements.ts";

interface Shown {
  readonly view: BlockView;
  /** What it was drawn from: the same objects need no drawing again. */
  drawn: readonly unknown[];
}

interface Drawing {
  readonly streaming: ReadonlySet<string>;
  readonly conversationOf: (subagentId: string) => HTMLElement | undefined;
}

/** One conversation: its blocks by their ids, so that a block that grows keeps its place, its fold and its selection. */
class BlockList {
  readonly element: HTMLElement;
  #shown = new Map<string, Shown>();

  constructor(element: HTMLElement) {
    this.element = element;
  }

  draw(
    blocks: readonly ConversationBlock[],
    { streaming, conversationOf }: Drawing,
    after: readonly Element[] = [],
  ): void {
    const results = new Map(
      blocks.flatMap((block) => (block.type === "tool_result" ? [[block.toolUseId, block]] : [])),
    );
    const calls = new Set(blocks.flatMap((block) => (block.type === "tool_use" ? [block.toolUseId] : [])));
    const next = new Map<string, Shown>();
    for (const block of blocks) {
      // A result stands in the card of its call.
      if (block.type === "tool_result" && calls.has(block.toolUseId)) continue;
      const shown = this.#shown.get(block.id) ?? { view: createBlockView(block), drawn: [] };
      const result = block.type === "tool_use" ? results.get(block.toolUseId) : undefined;
      const conversation = block.type === "subagent" ? conversationOf(block.subagentId) : undefined;
      const isStreaming = streaming.has(block.id);
      const sources = [block, result, isStreaming, conversation];
      if (sources.some((source, index) => source !== shown.drawn[index]) || shown.drawn.length === 0) {
        shown.drawn = sources;
        shown.view.show(block, {
          isStreaming,
          ...(result === undefined ? {} : { result }),
          ...(conversation === undefined ? {} : { conversation }),
        });
      }
      next.set(block.id, shown);
    }
    this.#shown = next;
    setChildren(this.element, [...[...next.values()].map(({ view }) => view.element), ...after]);
  }
}

export interface ConversationView {
  draw(state: SessionState): void;
  /** Says something in place of a conversation. */
  clear(text: string): void;
}

/** The main conversation with the subagents' inside of it, then what still waits to be taken. */
export function createConversationView(element: HTMLElement): ConversationView {
  let main = new BlockList(element);
  let subagents = new Map<string, BlockList>();
  let drawn = "";
  const listOf = (id: string): BlockList => {
    const list = subagents.get(id) ?? new BlockList(make("div", { class: "conversation" }));
    subagents.set(id, list);
    return list;
  };
  const reset = (sessionId: string): void => {
    drawn = sessionId;
    main = new BlockList(element);
    subagents = new Map();
    element.replaceChildren();
  };
  return {
    draw(state) {
      if (drawn !== state.sessionId) reset(state.sessionId);
      const drawing: Drawing = {
        streaming: new Set(state.streamingBlockIds),
        conversationOf: (id) => subagents.get(id)?.element,
      };
      for (const subagent of state.subagents) listOf(subagent.id).draw(subagent.blocks, drawing);
      const wasAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 60;
      main.draw(state.blocks, drawing, waiting(state));
      if (wasAtEnd) element.scrollTop = element.scrollHeight;
    },
    clear(text) {
      reset("");
      element.append(make("p", { class: "empty", text }));
    },
  };
}

function waiting(state: SessionState): Element[] {
  if (state.blocks.length === 0 && state.queue.length === 0)
    return [make("p", { class: "empty", text: "Say something to begin." })];
  return state.queue.map((message) =>
    make("article", { class: "block user_message queued", testId: "block-queued" }, [
      make("div", { class: "text", text: message.content }),
    ]),
  );
}
