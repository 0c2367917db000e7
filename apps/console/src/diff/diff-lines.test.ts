import { expect, test } from "vitest";
import { diffLines } from "./diff-lines.ts";

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join("");

test("changes have the lines beside them, with their numbers on both sides, and gaps between", () => {
  const before = lines(20);
  const after = before.replace("line 2\n", "").replace("line 18\n", "line 18!\n");
  const shown = diffLines(before, after);
  expect(shown.filter(({ kind }) => kind !== "same")).toEqual([
    { kind: "removed", text: "line 2", before: 2 },
    { kind: "gap", text: "" },
    { kind: "removed", text: "line 18", before: 18 },
    { kind: "added", text: "line 18!", after: 17 },
  ]);
  expect(shown[0]).toEqual({ kind: "same", text: "line 1", before: 1, after: 1 });
});

test("equal texts have no changes; a new one is added as a whole", () => {
  expect(diffLines("a\n", "a\n")).toEqual([]);
  expect(diffLines("", "a\nb")).toEqual([
    { kind: "added", text: "a", after: 1 },
    { kind: "added", text: "b", after: 2 },
  ]);
});

test("texts that have nothing in common are shown one after the other", () => {
  const shown = diffLines("a\n".repeat(5000), "b\n".repeat(5000));
  expect(shown.filter(({ kind }) => kind === "removed")).not.toHaveLength(0);
  expect(shown.findIndex(({ kind }) => kind === "added")).toBeGreaterThan(4999);
});
