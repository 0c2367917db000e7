import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { asNdjson, conversationOfEvent, eventSummary, EVERYTHING, filterEvents, shortType } from "./event-summary.ts";

const sessionId = "s";
const at = "2026-01-01T00:00:00.000Z";
const delta = (seq: number, conversationId: string, text: string): SessionEvent => ({
  seq,
  at,
  type: "session:block:delta",
  data: { sessionId, conversationId, blockId: "b", delta: text },
});
const log: SessionEvent[] = [
  delta(1, "main", "Hello\n  there\u202E"),
  delta(2, "sub", "from below"),
  { seq: 3, at, type: "session:file:deleted", data: { sessionId, path: "src/\u0007a.ts" } },
  { seq: 4, at, type: "session:subagent:completed", data: { sessionId, subagentId: "sub", status: "completed" } },
];
const seqs = (filter: Partial<typeof EVERYTHING>) =>
  filterEvents(log, { ...EVERYTHING, ...filter }).map(({ seq }) => seq);

test("events are filtered by type, by conversation and by what stands in them", () => {
  expect(filterEvents(log, EVERYTHING)).toBe(log);
  expect(seqs({ type: "quiet" })).toEqual([3, 4]);
  expect(seqs({ type: "session:file:deleted" })).toEqual([3]);
  expect(seqs({ conversation: "main" })).toEqual([1]);
  expect(seqs({ conversation: "sub" })).toEqual([2, 4]);
  expect(seqs({ text: " FROM below " })).toEqual([2]);
  expect(seqs({ text: "sub", type: "quiet" })).toEqual([4]);
  expect(log.map(conversationOfEvent)).toEqual(["main", "sub", undefined, "sub"]);
});

test("an event is said in one line, in which nothing is hidden; those of a newer server say nothing and break nothing", () => {
  expect(log.map(eventSummary)).toEqual(["+14: Hello there⟨202E⟩", "+10: from below", "src/⟨7⟩a.ts", "sub: completed"]);
  expect(eventSummary(delta(1, "main", "x".repeat(10_000))).length).toBeLessThanOrEqual(120);
  const newer = { seq: 5, at, type: "session:later", data: null } as unknown as SessionEvent;
  const other = { seq: 6, at, type: "session:created", data: {} } as unknown as SessionEvent;
  expect([newer, other].map(eventSummary)).toEqual(["", ""]);
  expect(filterEvents([newer], { ...EVERYTHING, type: "quiet" })).toEqual([newer]);
  expect(shortType(newer.type)).toBe("later");
});

test("events are copied as one JSON a line", () => {
  expect(
    asNdjson(log)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(log);
});
