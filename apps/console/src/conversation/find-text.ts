import type { ShownBlock } from "@hhopkins/agent-runtime-react";
import { terminalText } from "./terminal-text.ts";

/** Characters of a block that are looked through. */
const MOST = 100_000;

/** The items whose words have these in them, in order; a tool's result counts as its call's. `ids`: of all items. */
export function itemsWith(words: string, blocks: readonly ShownBlock[], ids: ReadonlySet<string>): readonly string[] {
  const wanted = words.trim().toLowerCase();
  if (wanted === "") return [];
  const calls = new Map(blocks.flatMap((block) => (block.type === "tool_use" ? [[block.toolUseId, block.id]] : [])));
  const found = new Set<string>();
  for (const block of blocks) {
    if (!wordsOf(block).toLowerCase().includes(wanted)) continue;
    const id = block.type === "tool_result" ? (calls.get(block.toolUseId) ?? block.id) : block.id;
    if (ids.has(id)) found.add(id);
  }
  // A result may come long after its call.
  return [...ids].filter((id) => found.has(id));
}

function wordsOf(block: ShownBlock): string {
  switch (block.type) {
    case "tool_use":
      return `${block.toolName} ${JSON.stringify(block.input)}`.slice(0, MOST);
    case "subagent":
      return `${block.name} ${block.output ?? ""}`.slice(0, MOST);
    case "error":
      return `${block.code ?? ""} ${block.message}`.slice(0, MOST);
    case "user_message":
    case "assistant_text":
    case "thinking":
    case "system":
      return block.content.slice(0, MOST);
    case "tool_result":
      return terminalText(block.content.slice(0, MOST));
    default:
      return "";
  }
}
