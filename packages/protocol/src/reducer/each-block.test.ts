import { expect, test } from "vitest";
import type { BlockUpdates, ConversationBlock } from "../blocks.ts";
import type { EventDraft } from "../events.ts";
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
  tool_use: {
    type: "tool_use",
    ...common,
    toolName: "Bash",
    toolUseId: "t",
    input: { command: LONG },
    status: "running",
  },
  tool_result: { type: "tool_result", ...common, toolUseId: "t", content: LONG },
  system: { type: "system", ...common, content: LONG },
  subagent: { type: "subagent", ...common, subagentId: "s", name: "S", status: "running", input: LONG, output: LONG },
  error: { type: "error", ...common, message: LONG },
};
const blocks = Object.values(LONG_BLOCKS);

function stateAfter(...drafts: EventDraft[]) {
  const events = drafts.map((draft, index) => ({ ...draft, seq: index + 1, at }));
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
    progress: "p",
    message: "m",
    code: "x",
    truncated: true,
  };
  const update: EventDraft = { type: "session:block:update", data: { ...place, blockId: "b", updates } };
  expect(stateAfter(start(before), complete(before), update).blocks).toEqual([{ ...before, ...updates }]);
});

const text = (id: string, content: string): ConversationBlock => ({
  type: "assistant_text",
  id,
  timestamp: at,
  content,
});
const discovered = (id: string): EventDraft => ({
  type: "session:subagent:discovered",
  data: { sessionId: "s1", subagent: { id, name: id, status: "running" } },
});

test("a subagent's conversation has a window of its own", () => {
  const spoken = Array.from({ length: STATE_LIMITS.blocks + 3 }, (_, n) => text(`b:${n}`, "x"));
  const said = spoken.flatMap((block): EventDraft[] => [
    { type: "session:block:start", data: { sessionId: "s1", conversationId: "h", block } },
    { type: "session:block:complete", data: { sessionId: "s1", conversationId: "h", blockId: block.id, block } },
  ]);
  const state = stateAfter(discovered("h"), ...said);
  expect(state.subagents[0]?.blocks).toHaveLength(STATE_LIMITS.blocks);
  expect(state.subagents[0]?.blocksBefore).toBe("b:3");
  expect(state).not.toHaveProperty("blocksBefore");
});

test("beyond the bound the subagents that ended first are forgotten, and none that runs", () => {
  const ids = Array.from({ length: STATE_LIMITS.subagents + 2 }, (_, n) => `h${n}`);
  const ended = ids.slice(1, 4).map((subagentId): EventDraft => ({
    type: "session:subagent:completed",
    data: { sessionId: "s1", subagentId, status: "completed" },
  }));
  const state = stateAfter(...ids.slice(0, 4).map(discovered), ...ended, ...ids.slice(4).map(discovered));
  expect(state.subagents.map(({ id }) => id)).toEqual(ids.filter((id) => !["h1", "h2"].includes(id)));
});

test("beyond the bound the files that were changed longest ago keep everything but their content", () => {
  const content = "x".repeat(STATE_LIMITS.files / 4);
  const created = ["a", "b", "c", "d", "e"].map((path): EventDraft => ({
    type: "session:file:created",
    data: { sessionId: "s1", file: { path, size: content.length, content, encoding: "utf8" } },
  }));
  const { workspaceFiles } = stateAfter(...created);
  expect(workspaceFiles.map((file) => [file.path, file.content === undefined])).toEqual([
    ["a", true],
    ["b", false],
    ["c", false],
    ["d", false],
    ["e", false],
  ]);
  expect(workspaceFiles[0]).toEqual({ path: "a", size: content.length, truncated: true });
});

test("an ask is cut as blocks are, and says so", () => {
  const sessionId = "s";
  const ask = { conversationId: "main", kind: "permission" as const, prompt: "May it?", openedAt: at };
  const opened = (askId: string, details: Record<string, unknown>): EventDraft => ({
    type: "session:ask:opened",
    data: { sessionId, ask: { ...ask, askId, details } },
  });
  const drafts = [opened("short", { input: "x" }), opened("long", { toolName: "Write", input: { content: LONG } })];
  const state = reduceAll(
    initialState(sessionId, "log"),
    drafts.map((draft, index) => ({ ...draft, seq: index + 1, at })),
  );
  const [short, long] = state.asks;
  expect(short).toEqual({ ...ask, askId: "short", details: { input: "x" } });
  expect(long).toMatchObject({ askId: "long", truncated: true, details: { toolName: "Write" } });
  expect(JSON.stringify(long).length).toBeLessThan(STATE_LIMITS.content + 500);
});
