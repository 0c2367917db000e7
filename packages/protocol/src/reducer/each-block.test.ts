import { expect, test } from "vitest";
import type { BlockUpdates, ConversationBlock } from "../blocks.ts";
import type { EventDraft, SessionEvent } from "../events.ts";
import { reduceAll } from "./reduce.ts";
import { initialState } from "./state.ts";
import { STATE_LIMITS } from "./window.ts";

const LONG = "x".repeat(STATE_LIMITS.content + 1);
const at = "2026-11-22T00:00:00Z";
const common = { id: "b", timestamp: at };

/** One block of every type, its text too long for a state. */
const LONG_BLOCKS: { [T in ConversationBlock["type"]]: Extract<ConversationBlock, { type: T }> } = {
  user_message: { type: "user_message", ...common, content: LONG },
  assistant_text: { type: "assistant_text", ...common, content: LONG },
  thinking: { type: "thinking", ...common, content: LONG },
  tool_use: { type: "tool_use", ...common, toolName: "Bash", toolUseId: "t", input: { command: LONG }, status: "running" },
  tool_result: { type: "tool_result", ...common, toolUseId: "t", content: LONG },
  system: { type: "system", ...common, content: LONG },
  subagent: { type: "subagent", ...common, subagentId: "s", name: "S", status: "running", input: LONG, output: LONG },
  error: { type: "error", ...common, message: LONG },
};
const blocks = Object.values(LONG_BLOCKS);

function stateAfter(...drafts: EventDraft[]) {
  const events = drafts.map((draft, index) => ({ ...draft, seq: index + 1, at }) as SessionEvent);
  return reduceAll(initialState("s1", "log"), events);
}

const place = { sessionId: "s1", conversationId: "main" };
const start = (block: ConversationBlock): EventDraft => ({ type: "session:block:start", data: { ...place, block } });
const complete = (block: ConversationBlock): EventDraft => ({
  type: "session:block:complete",
  data: { ...place, blockId: block.id, block },
});

test.each(blocks)("a long $type is cut, and says that it is truncated", (block) => {
  const [shown] = stateAfter(start(block), complete(block)).blocks;
  expect(shown).toMatchObject({ type: block.type, id: "b", timestamp: at, truncated: true });
  expect(JSON.stringify(shown).length).toBeLessThan(STATE_LIMITS.content + 300);
});

test.each(blocks)("a retracted $type leaves the state", (block) => {
  const state = stateAfter(start(block), complete({ ...block, retracted: true }));
  expect([state.blocks, state.streamingBlockIds]).toEqual([[], []]);
});

test("an update changes every field that it may name, and no other", () => {
  const before: ConversationBlock = { ...LONG_BLOCKS.tool_use, input: {} };
  const updates: Required<BlockUpdates> = {
    content: "c",
    input: { a: 1 },
    status: "success",
    isError: true,
    durationMs: 5,
    output: "o",
    message: "m",
    code: "x",
    truncated: true,
  };
  const update: EventDraft = { type: "session:block:update", data: { ...place, blockId: "b", updates } };
  expect(stateAfter(start(before), complete(before), update).blocks).toEqual([{ ...before, ...updates }]);
});
