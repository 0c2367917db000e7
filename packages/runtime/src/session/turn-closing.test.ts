import { initialState, reduceAll, type ConversationBlock, type EventDraft } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { memoryPersistence } from "../persistence/memory/index.ts";
import { closingEvents } from "./turn-closing.ts";

const at = "2026-11-22T00:00:00Z";
const key = { tenant: "default", sessionId: "s1" };
const { sessionId } = key;
const place = { sessionId, conversationId: "main" };
const common = { timestamp: at };
const text: ConversationBlock = { type: "assistant_text", id: "t:1", ...common, content: "" };
const tool: ConversationBlock = {
  type: "tool_use",
  id: "t:2",
  ...common,
  toolName: "Bash",
  toolUseId: "u",
  input: {},
  status: "running",
};
const helper: ConversationBlock = {
  type: "subagent",
  id: "t:3",
  ...common,
  subagentId: "h",
  name: "Helper",
  status: "running",
};
const start = (block: ConversationBlock): EventDraft => ({ type: "session:block:start", data: { ...place, block } });
const complete = (block: ConversationBlock): EventDraft => ({
  type: "session:block:complete",
  data: { ...place, blockId: block.id, block },
});

test("a turn that its runner cannot end leaves nothing open, keeps what streamed, and says why", async () => {
  const record = { sessionId, type: "claude-agent-sdk", agentProfileReference: "default", createdAt: at };
  const drafts: EventDraft[] = [
    { type: "session:created", data: { sessionId, session: record } },
    { type: "session:turn:started", data: { sessionId, turnId: "turn", messageIds: ["m"] } },
    start(tool),
    complete(tool),
    {
      type: "session:subagent:discovered",
      data: { sessionId, subagent: { id: "h", name: "Helper", status: "running" } },
    },
    start(helper),
    complete(helper),
    start(text),
    { type: "session:block:delta", data: { ...place, blockId: text.id, delta: "half a " } },
    { type: "session:block:delta", data: { ...place, blockId: text.id, delta: "sentence" } },
  ];
  const events = drafts.map((draft, index) => ({ ...draft, seq: index + 1, at }));
  const { store } = memoryPersistence();
  await store.create({
    ...key,
    record,
    logId: "log",
    first: { events, blocks: [{ conversationId: "main", blockId: text.id, position: 8, block: text }] },
  });
  const state = reduceAll(initialState(sessionId, "log"), events);
  const error = { code: "sandbox_lost", message: "It is gone." };
  const closing = await closingEvents({
    state,
    store,
    key,
    status: "failed",
    error,
    newId: () => "id",
    now: () => new Date(at),
  });
  const after = reduceAll(
    state,
    closing.map((draft, index) => ({ ...draft, seq: state.lastSeq + index + 1, at })),
  );
  expect(after).toMatchObject({
    turn: null,
    streamingBlockIds: [],
    subagents: [{ id: "h", status: "failed" }],
    blocks: [
      { id: "t:2", status: "error" },
      { id: "t:3", status: "failed" },
      { id: "t:1", content: "half a sentence" },
      // It had begun, and nobody knows what it did.
      { id: "server:id", type: "tool_result", toolUseId: "u", isError: true },
      { id: "server:id", type: "error", code: "sandbox_lost", message: "It is gone." },
    ],
  });
  expect(closing.map(({ type }) => type)).toContain("error");
  expect(closing.at(-1)).toMatchObject({
    type: "session:turn:completed",
    data: { turnId: "turn", messageIds: ["m"], status: "failed", error },
  });
});
