import type { ConversationBlock } from "@hhopkins/agent-runtime-protocol";
import { make, setText } from "./elements.ts";

/** What a block looks like; `show` brings it up to date. */
export interface BlockView {
  readonly element: HTMLElement;
  show(block: ConversationBlock, context: BlockContext): void;
}

export interface BlockContext {
  /** The result of a tool call, once it is there. */
  readonly result?: Extract<ConversationBlock, { type: "tool_result" }>;
  readonly isStreaming: boolean;
  /** The conversation of a subagent, already drawn. */
  readonly conversation?: HTMLElement;
}

/** The view of a block, by its type; a type of a newer server is shown as its JSON. */
export function createBlockView(block: ConversationBlock): BlockView {
  switch (block.type) {
    case "thinking":
      return thinkingView();
    case "tool_use":
      return toolView();
    case "subagent":
      return subagentView();
    default:
      return textView(block.type);
  }
}

function textView(type: string): BlockView {
  const text = make("div", { class: "text" });
  const element = make("article", { class: `block ${type}`, testId: `block-${type}` }, [text]);
  return {
    element,
    show(block, { isStreaming }) {
      element.dataset["streaming"] = String(isStreaming);
      setText(text, textOf(block));
    },
  };
}

function textOf(block: ConversationBlock): string {
  switch (block.type) {
    case "user_message":
    case "assistant_text":
    case "thinking":
    case "system":
    case "tool_result":
      return block.content;
    case "error":
      return block.code === undefined ? block.message : `${block.message} (${block.code})`;
    default:
      return JSON.stringify(block, null, 2);
  }
}

function thinkingView(): BlockView {
  const status = make("span", { class: "status" });
  const text = make("div", { class: "text" });
  const summary = make("summary", {}, [make("span", { class: "name", text: "Thinking" }), status]);
  const element = make("details", { class: "block thinking", testId: "block-thinking" }, [
    summary,
    make("div", { class: "body" }, [text]),
  ]);
  return {
    element,
    show(block, { isStreaming }) {
      setText(status, isStreaming ? "…" : "");
      setText(text, textOf(block));
    },
  };
}

function toolView(): BlockView {
  const name = make("span", { class: "name", testId: "tool-name" });
  const gist = make("span", { class: "gist" });
  const status = make("span", { class: "status", testId: "tool-status" });
  const input = make("pre", { testId: "tool-input" });
  const result = make("pre", { testId: "tool-result" });
  const resultPart = make("div", {}, [make("h4", { text: "Result" }), result]);
  const element = make("details", { class: "block tool_use", testId: "block-tool_use" }, [
    make("summary", {}, [name, gist, status]),
    make("div", { class: "body" }, [make("div", {}, [make("h4", { text: "Input" }), input]), resultPart]),
  ]);
  return {
    element,
    show(block, context) {
      if (block.type !== "tool_use") return;
      setText(name, block.toolName);
      setText(gist, gistOf(block.input));
      status.dataset["status"] = block.status;
      setText(status, statusText(block.status, context.result?.durationMs));
      setText(input, block.partialInput ?? JSON.stringify(block.input, null, 2));
      resultPart.hidden = context.result === undefined;
      result.classList.toggle("bad", context.result?.isError === true);
      setText(result, context.result?.content ?? "");
    },
  };
}

function statusText(status: string, durationMs: number | undefined): string {
  if (durationMs === undefined) return status;
  return durationMs < 1000
    ? `${status}, ${Math.round(durationMs)} ms`
    : `${status}, ${(durationMs / 1000).toFixed(1)} s`;
}

/** The one value of an input that says most in a line. */
function gistOf(input: Readonly<Record<string, unknown>>): string {
  for (const key of ["command", "file_path", "path", "pattern", "url", "description", "query"]) {
    const value = input[key];
    if (typeof value === "string") return value.split("\n")[0] ?? "";
  }
  return "";
}

function subagentView(): BlockView {
  const name = make("span", { class: "name" });
  const status = make("span", { class: "status", testId: "subagent-status" });
  const input = make("div", { class: "text" });
  const inside = make("div", { testId: "subagent-conversation" });
  const output = make("div", { class: "text" });
  const element = make("details", { class: "block subagent", testId: "block-subagent" }, [
    make("summary", {}, [name, status]),
    make("div", { class: "body" }, [input, inside, output]),
  ]);
  return {
    element,
    show(block, { conversation }) {
      if (block.type !== "subagent") return;
      setText(name, `Subagent ${block.name}`);
      status.dataset["status"] = block.status;
      setText(status, block.status);
      setText(input, block.input ?? "");
      if (conversation !== undefined && conversation.parentElement !== inside) inside.append(conversation);
      setText(output, block.output ?? "");
    },
  };
}
