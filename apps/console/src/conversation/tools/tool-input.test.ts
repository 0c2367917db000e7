import { expect, test } from "vitest";
import { editsOf, todosOf, toolSummary, toolTitle, workspacePath } from "./tool-input.ts";

test("edits are found where the input has them, and nothing is made of an input that is none", () => {
  expect(editsOf("Write", { file_path: "/workspace/a", content: "x" })).toEqual([{ before: "", after: "x" }]);
  expect(editsOf("Edit", { old_string: "a", new_string: "b" })).toEqual([{ before: "a", after: "b" }]);
  expect(editsOf("MultiEdit", { edits: [{ old_string: "a", new_string: "b" }] })).toEqual([
    { before: "a", after: "b" },
  ]);
  for (const input of [{}, { content: 5 }, { old_string: "a" }, { edits: "x" }, { edits: [null] }, { edits: [[]] }])
    for (const tool of ["Write", "Edit", "MultiEdit", "Bash"]) expect(editsOf(tool, input)).toBeUndefined();
});

test("a list of things to do is what the tool was given", () => {
  const todos = [
    { content: "a", status: "completed", activeForm: "doing a" },
    { content: "b", status: "strange" },
    { status: "in_progress" },
    "no todo",
  ];
  expect(todosOf("TodoWrite", { todos })).toEqual([
    { text: "a", status: "completed" },
    { text: "b", status: "pending" },
    { text: "", status: "in_progress" },
  ]);
  expect(todosOf("TodoWrite", { todos: "x" })).toBeUndefined();
  expect(todosOf("Other", { todos })).toBeUndefined();
});

test("a call is summed up in one line", () => {
  expect(toolSummary("Bash", { command: "ls\n  -l", description: "List" })).toBe("List");
  expect(toolSummary("Bash", { command: "ls\n  -l" })).toBe("ls -l");
  expect(toolSummary("Read", { file_path: "/workspace/a", limit: 5 })).toBe("/workspace/a");
  expect(toolSummary("mcp__x__y", { count: 3 })).toBe("3");
  expect(toolSummary("mcp__x__y", { nothing: {} })).toBe("");
  expect(toolSummary("Read", { file_path: "x".repeat(1_000_000) })).toHaveLength(161);
});

test("tools of servers are named by both, and files of the workspace by their path in it", () => {
  expect([toolTitle("mcp__git_hub__list__all"), toolTitle("Bash")]).toEqual(["git_hub · list__all", "Bash"]);
  expect(["/workspace/a/b", "./a", "a", "/etc/passwd", "a/../..", "/workspace/"].map(workspacePath)).toEqual([
    "a/b",
    "a",
    "a",
    undefined,
    undefined,
    undefined,
  ]);
});
