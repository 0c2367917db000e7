import { describe, expect, test } from "vitest";
import type { NodeRecord } from "../persistence/session-store.ts";
import { ANYWHERE, byRoom, isFull, reaches, successors } from "./placement.ts";

function node(nodeId: string, more: Partial<NodeRecord> = {}): NodeRecord {
  return { nodeId, place: "here", sandboxes: 0, waiting: 0, maxSandboxes: 4, leaving: false, ...more };
}

const ids = (nodes: readonly NodeRecord[]): string[] => nodes.map(({ nodeId }) => nodeId);

describe("who can go on with a session", () => {
  test.each([
    ["no sandbox", null, true],
    ["one that a version before this one started", {}, true],
    ["one here", { place: "here" }, true],
    ["one that every node reaches", { place: ANYWHERE }, true],
    ["one on another host", { place: "there" }, false],
  ])("%s", (_what, sandbox, expected) => {
    expect(reaches("here", sandbox)).toBe(expected);
  });

  test("those that reach its sandbox; where there are none, all, for it is lost; never one that leaves", () => {
    const nodes = [node("a"), node("b", { place: "there" }), node("c", { place: "there", leaving: true })];
    expect(ids(successors(nodes, { place: "there" }))).toEqual(["b"]);
    expect(ids(successors(nodes, { place: "gone" }))).toEqual(["a", "b"]);
    expect(ids(successors(nodes, null))).toEqual(["a", "b"]);
  });
});

describe("which one takes it", () => {
  test("the one with the most room for its size; of equals the one that was asked, then by id", () => {
    const nodes = [node("c"), node("b"), node("small", { sandboxes: 1, maxSandboxes: 2 }), node("a", { waiting: 1 })];
    expect(ids(byRoom(nodes, node("c")))).toEqual(["c", "b", "a", "small"]);
    expect(ids(byRoom(nodes, node("elsewhere")))).toEqual(["b", "c", "a", "small"]);
  });

  test.each([
    { sandboxes: 3, waiting: 0, maxWaiting: 0, expected: false },
    { sandboxes: 4, waiting: 0, maxWaiting: 0, expected: true },
    { sandboxes: 4, waiting: 0, maxWaiting: 2, expected: false },
    { sandboxes: 4, waiting: 2, maxWaiting: 2, expected: true },
    { sandboxes: 9, waiting: 0, maxWaiting: 2, expected: true },
  ])("of at most 4: %j", ({ sandboxes, waiting, maxWaiting, expected }) => {
    expect(isFull(node("a", { sandboxes, waiting }), maxWaiting)).toBe(expected);
  });
});
