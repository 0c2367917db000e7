import type { EventDraft } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { conversationFrames } from "./conversation-frames.ts";
import { LogFrame } from "./frame.ts";

const at = "2026-01-01T00:00:00.000Z";
const sessionId = "s";

const delta = (conversationId: string): EventDraft => ({
  type: "session:block:delta",
  data: { sessionId, conversationId, blockId: "b:1", delta: "x" },
});
const discovered = (id: string, parentId?: string): EventDraft => ({
  type: "session:subagent:discovered",
  data: {
    sessionId,
    subagent: { id, name: "helper", status: "running", ...(parentId === undefined ? {} : { parentId }) },
  },
});
const completed = (subagentId: string): EventDraft => ({
  type: "session:subagent:completed",
  data: { sessionId, subagentId, status: "completed" },
});
const opened = (askId: string, conversationId: string): EventDraft => ({
  type: "session:ask:opened",
  data: { sessionId, ask: { askId, conversationId, kind: "permission", prompt: "May it?", openedAt: at } },
});
const resolved = (askId: string): EventDraft => ({
  type: "session:ask:resolved",
  data: { sessionId, askId, answer: null, by: "expiry" },
});
const other: EventDraft = { type: "session:file:deleted", data: { sessionId, path: "a" } };

/** The events in batches of two, as a log gives them after `after`; what is seen of them, as `from-seq`. */
async function seen(drafts: readonly EventDraft[], conversationId: string, after = 0): Promise<string[]> {
  const frames = drafts.map((draft, index) => new LogFrame({ ...draft, seq: after + index + 1, at }));
  async function* batches(): AsyncGenerator<readonly LogFrame[]> {
    for (let index = 0; index < frames.length; index += 2) yield frames.slice(index, index + 2);
  }
  const found: string[] = [];
  for await (const batch of conversationFrames(batches(), conversationId, after))
    for (const { first, event } of batch) found.push(first === event.seq ? `${event.seq}` : `${first}-${event.seq}`);
  return found;
}

test("one conversation's events alone; each says from where on it stands for what was left out", async () => {
  const drafts = [
    delta("main"),
    discovered("one"),
    delta("one"),
    other,
    delta("main"),
    discovered("two", "one"),
    delta("two"),
    delta("one"),
    completed("two"),
    completed("one"),
    delta("main"),
  ];
  expect(await seen(drafts, "main")).toEqual(["1", "2", "3-5", "6-11"]);
  expect(await seen(drafts, "one")).toEqual(["1-2", "3", "4-6", "7-8", "9-10"]);
  expect(await seen(drafts, "two", 40)).toEqual(["41-46", "47", "48-49"]);
  expect(await seen(drafts, "nobody")).toEqual([]);
});

test("asks of a conversation, and how they were resolved; of others only where nothing tells that they are", async () => {
  const drafts = [opened("a", "main"), opened("b", "one"), resolved("a"), resolved("b"), resolved("c")];
  expect(await seen(drafts, "main")).toEqual(["1", "2-3", "4-5"]);
  expect(await seen(drafts, "one")).toEqual(["1-2", "3-4", "5"]);
});
