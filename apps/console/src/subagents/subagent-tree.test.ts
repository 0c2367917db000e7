import type { SubagentState } from "@hhopkins/agent-runtime-react";
import { expect, test } from "vitest";
import { subagentTree } from "./subagent-tree.ts";

const subagent = (id: string, parentId?: string): SubagentState => ({
  id,
  name: id,
  status: "running",
  ...(parentId === undefined ? {} : { parentId }),
  blocks: [],
});
const shown = (...subagents: readonly SubagentState[]): string[] =>
  subagentTree(subagents).map(({ subagent: { id }, depth }) => `${"-".repeat(depth)}${id}`);

test("each stands below who called it, in the order of their beginnings", () => {
  expect(
    shown(subagent("a", "main"), subagent("b", "a"), subagent("c"), subagent("d", "a"), subagent("e", "b")),
  ).toEqual(["a", "-b", "--e", "-d", "c"]);
});

test("one whose caller is forgotten, or is itself, stands at the top", () => {
  expect(shown(subagent("a", "gone"), subagent("b", "b"))).toEqual(["a", "b"]);
});
