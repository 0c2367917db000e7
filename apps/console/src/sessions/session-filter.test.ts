import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { matching, narrowing, NO_FILTER, pageOf, type SessionFilter } from "./session-filter.ts";
import { statusOf } from "./session-status.ts";

type Sandbox = NonNullable<SessionListItem["runtime"]["sandbox"]>["status"];

function session(sessionId: string, more: Partial<SessionListItem> = {}, sandbox?: Sandbox): SessionListItem {
  const createdAt = "2026-01-01T00:00:00.000Z";
  const state = sandbox && { status: sandbox, restartCount: 0, lastHealthCheck: null };
  const runtime = { isLoaded: sandbox !== undefined, sandbox: state ?? null };
  return { sessionId, type: "t", agentProfileReference: "coder", createdAt, runtime, ...more };
}

const ALL = [
  session("ab1", { name: "Fix the Login" }, "ready"),
  session("cd2", { agentProfileReference: "Reviewer" }),
  session("ef3", { activity: "running" }, "ready"),
  session("gh4", { activity: "waiting" }, "terminated"),
  session("ij5", { activity: "queued" }, "pending"),
  session("kl6", {}, "error"),
  session("mn7", { activity: "queued" }, "unhealthy"),
  session("op8", { activity: "queued" }, "ready"),
];

const found = (filter: Partial<SessionFilter>): string[] =>
  matching(ALL, { ...NO_FILTER, ...filter }).map(({ sessionId }) => sessionId);

test("a session's status is what its log says of it, and what hinders it", () => {
  expect(ALL.map((item) => statusOf(item).kind)).toEqual([
    "ready",
    "asleep",
    "running",
    "waiting",
    "starting",
    "failed",
    "unreachable",
    "queued",
  ]);
});

test("all words are looked for, in names, ids and profiles", () => {
  expect(found({})).toHaveLength(ALL.length);
  expect(found({ text: "login  FIX" })).toEqual(["ab1"]);
  expect(found({ text: "cd" })).toEqual(["cd2"]);
  expect(found({ text: "review" })).toEqual(["cd2"]);
  expect(found({ text: "login review" })).toEqual([]);
});

test("what sessions are doing narrows the list", () => {
  expect(found({ doing: "waiting" })).toEqual(["gh4"]);
  expect(found({ doing: "running" })).toEqual(["ef3", "ij5", "op8"]);
  expect(found({ doing: "failed" })).toEqual(["kl6", "mn7"]);
  expect(found({ doing: "asleep", text: "cd2" })).toEqual(["cd2"]);
  expect(found({ doing: "ready" })).toEqual(["ab1"]);
});

test("profile and days are the server's to narrow; the last day counts as a whole", () => {
  expect(pageOf(NO_FILTER)).toEqual({ limit: 100 });
  expect(pageOf({ ...NO_FILTER, profile: "p", from: "2026-03-01", to: "2026-03-01" })).toEqual({
    limit: 100,
    agentProfileReference: "p",
    activeFrom: new Date(2026, 2, 1).toISOString(),
    activeBefore: new Date(2026, 2, 2).toISOString(),
  });
  expect(pageOf({ ...NO_FILTER, from: "20", to: "x-y-z" })).toEqual({ limit: 100 });
  expect(narrowing({ ...NO_FILTER, text: "x", profile: "p", to: "2026-03-01" })).toBe(2);
});
