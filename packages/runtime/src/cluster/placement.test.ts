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
    [3, 0, 0, false],
    [4, 0, 0, true],
    [4, 0, 2, false],
    [4, 2, 2, true],
    [9, 0, 2, true],
  ])("%i run and %i wait of at most 4 and %i: full is %s", (sandboxes, waiting, maxWaiting, expected) => {
    expect(isFull(node("a", { sandboxes, waiting }), maxWaiting)).toBe(expected);
  });
});
