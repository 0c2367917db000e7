import type { LiveEvent } from "@hhopkins/agent-runtime-client";
import { expect, test } from "vitest";
import { readTurns } from "./session-turns.ts";

const at = "2026-01-01T00:00:00.000Z";
let seq = 0;
const event = (type: string, data: object): LiveEvent =>
  ({ seq: (seq += 1), at, type, data: { sessionId: "s", ...data } }) as LiveEvent;

/** A turn whose message is told by its queue or, as in a fork's log, by its block. */
function turn(id: string, text: string, told: "queue" | "block" = "queue"): LiveEvent[] {
  const block = { id: `m${id}`, type: "user_message", timestamp: at, content: text };
  const inner = { id: `inner${id}`, type: "assistant_text", timestamp: at, content: "" };
  return [
    ...(told === "queue" ? [event("session:message:queued", { messageId: block.id, content: text })] : []),
    event("session:turn:started", { turnId: id, messageIds: [block.id] }),
    event("session:block:start", { conversationId: "main", block }),
    event("session:block:start", { conversationId: "sub", block: inner }),
    event("session:turn:completed", { turnId: id, messageIds: [block.id], status: "completed" }),
  ];
}

async function* batches(...lists: readonly LiveEvent[][]): AsyncGenerator<readonly LiveEvent[]> {
  for (const list of lists) yield await Promise.resolve(list);
}

test("turns have what was said, their blocks, and a place before the first; one that runs is not among them", async () => {
  const running = turn("c", "three").slice(0, 3);
  const edited = event("session:message:updated", { messageId: "mb", content: "two, but better" });
  const [queued, ...rest] = turn("b", "two");
  const turns = await readTurns(
    batches(
      [event("session:created", {}), ...turn("a", "one")],
      [queued!, edited],
      rest.slice(0, 1),
      rest.slice(3),
      running,
    ),
  );
  expect(turns.map(({ turnId, number, text }) => [turnId, number, text])).toEqual([
    ["start", 0, ""],
    ["a", 1, "one"],
    ["b", 2, "two, but better"],
  ]);
  expect([...(turns[1]?.blockIds ?? [])]).toEqual(["ma"]);
  expect(turns.every(({ refusal }) => Object.keys(refusal).length === 0)).toBe(true);
});

test("what a session went back before can be forked, and not be gone back to", async () => {
  const back = event("session:rewound", { turnId: "a", subagents: [] });
  const turns = await readTurns(
    batches([event("session:created", {}), ...turn("a", "one"), ...turn("b", "two"), back, ...turn("c", "three")]),
  );
  expect(turns.map(({ turnId, refusal }) => [turnId, "rewind" in refusal, "fork" in refusal])).toEqual([
    ["start", false, false],
    ["a", false, false],
    ["b", true, false],
    ["c", false, false],
  ]);
});

test("a fork has the turn that it began with, and its own", async () => {
  const created = (turnId: string): LiveEvent =>
    event("session:created", { forkedFrom: { sessionId: "o", turnId, seq: 9 } });
  const log = [...turn("a", "one", "block"), ...turn("b", "two", "block"), ...turn("c", "three")];
  const turns = await readTurns(batches([created("b"), ...log]));
  expect(turns.map(({ turnId, refusal }) => [turnId, "fork" in refusal])).toEqual([
    ["start", true],
    ["a", true],
    ["b", false],
    ["c", false],
  ]);
  const [start] = await readTurns(batches([created("start")]));
  expect(start?.refusal).toEqual({});
});
