import { expect, test } from "vitest";
import type { SandboxState } from "../runtime-state.ts";
import { reduceAll } from "./reduce.ts";
import { activityOf, initialState, type SessionState } from "./state.ts";

type Said = Pick<SandboxState, "status"> & { sandboxId?: string; statusMessage?: string };

/** Each a second after the one before. */
const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;

function told(...statuses: Said[]): SessionState["sandboxes"] {
  const events = statuses.map((said, index) => ({
    seq: index + 1,
    at: at(index),
    type: "session:status" as const,
    data: {
      sessionId: "s1",
      runtime: { isLoaded: true, sandbox: { ...said, restartCount: 0, lastHealthCheck: null } },
    },
  }));
  return reduceAll(initialState("s1", "l"), events).sandboxes;
}

test("a sandbox is one entry from its first word to its end, whatever is said of it meanwhile", () => {
  const started: Said[] = [
    { status: "pending", statusMessage: "place 1" },
    { status: "starting", statusMessage: "Installing." },
    { status: "starting", statusMessage: "Starting a sandbox." },
    { status: "starting", sandboxId: "a" },
    { status: "ready", sandboxId: "a" },
  ];
  expect(told(...started)).toEqual([{ sandboxId: "a", startedAt: at(1), status: "ready" }]);
  expect(told(...started, { status: "terminated", statusMessage: "idle" })).toEqual([
    { sandboxId: "a", startedAt: at(1), endedAt: at(5), status: "terminated", statusMessage: "idle" },
  ]);
});

test("the next sandbox is an entry of its own; one that was replaced without a word has ended then", () => {
  const [first, second] = told(
    { status: "ready", sandboxId: "a" },
    { status: "starting", statusMessage: "Starting a sandbox." },
    { status: "ready", sandboxId: "b" },
  )!;
  expect(first).toEqual({ sandboxId: "a", startedAt: at(0), endedAt: at(1), status: "ready" });
  expect(second).toEqual({ sandboxId: "b", startedAt: at(1), status: "ready" });
});

test("one that slept goes on where it is ready again; one that failed to start is told of", () => {
  const slept: Said[] = [
    { status: "ready", sandboxId: "a" },
    { status: "terminated", sandboxId: "a" },
  ];
  expect(told(...slept, { status: "ready", sandboxId: "a" })).toEqual([
    { sandboxId: "a", startedAt: at(0), status: "ready" },
  ]);
  expect(told({ status: "starting" }, { status: "error", statusMessage: "no room" })).toEqual([
    { startedAt: at(0), endedAt: at(1), status: "error", statusMessage: "no room" },
  ]);
  expect(told(...slept, { status: "error", statusMessage: "gone" })).toHaveLength(1);
});

test("a state keeps the last twenty, with the beginning of what was said", () => {
  const many = Array.from({ length: 30 }, (_, index): Said[] => [
    { status: "ready", sandboxId: `s${index}`, statusMessage: "x".repeat(2000) },
    { status: "terminated", sandboxId: `s${index}` },
  ]).flat();
  const kept = told(...many.slice(0, -1))!;
  expect(kept).toHaveLength(20);
  expect(kept.at(-1)?.statusMessage).toHaveLength(500);
  expect(kept[0]?.sandboxId).toBe("s10");
});

test("before the first sandbox there is nothing to tell", () => {
  expect(told({ status: "pending" })).toBeUndefined();
});

test("what goes on: somebody has to answer, before a turn runs, before messages wait", () => {
  const idle = initialState("s1", "l");
  const turn = { turnId: "t", messageIds: [], startedAt: at(0) };
  const queue = [{ messageId: "m", content: "x", queuedAt: at(0) }];
  const asks = [{ askId: "a" }] as unknown as SessionState["asks"];
  expect(activityOf(idle)).toBe("idle");
  expect(activityOf({ ...idle, queue })).toBe("queued");
  expect(activityOf({ ...idle, queue, turn })).toBe("running");
  expect(activityOf({ ...idle, queue, turn, asks })).toBe("waiting");
});
