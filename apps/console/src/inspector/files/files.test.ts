import { fileTree } from "@hhopkins/agent-runtime-react";
import { expect, test } from "vitest";
import { fileChanges } from "./file-changes.ts";
import { downloadName, fileKind, languageOf } from "./file-kind.ts";
import { foldersOf, treeMove, treeRows } from "./tree-rows.ts";

const tree = fileTree([{ path: "src/a.ts" }, { path: "src/in/b.ts" }, { path: "README.md" }]);
const names = (open: readonly string[]) =>
  treeRows(tree, (path) => open.includes(path)).map(({ node, level }) => `${level} ${node.path}`);

test("rows of a tree are those of open folders", () => {
  expect(names([])).toEqual(["1 src", "1 README.md"]);
  expect(names(["src/in"])).toEqual(["1 src", "1 README.md"]);
  expect(names(["src", "src/in"])).toEqual(["1 src", "2 src/in", "3 src/in/b.ts", "2 src/a.ts", "1 README.md"]);
  expect(foldersOf("src/in/b.ts")).toEqual(["src", "src/in"]);
  expect(foldersOf("a")).toEqual([]);
});

test("keys walk a tree", () => {
  const rows = treeRows(tree, (path) => path === "src");
  expect(rows.map(({ node }) => node.name)).toEqual(["src", "in", "a.ts", "README.md"]);
  expect(treeMove("ArrowDown", rows, 0)).toEqual({ go: 1 });
  expect(treeMove("ArrowUp", rows, 0)).toBeUndefined();
  expect(treeMove("ArrowRight", rows, 0)).toEqual({ go: 1 });
  expect(treeMove("ArrowRight", rows, 1)).toEqual({ toggle: "src/in" });
  expect(treeMove("ArrowLeft", rows, 2)).toEqual({ go: 0 });
  expect(treeMove("ArrowLeft", rows, 0)).toEqual({ toggle: "src" });
  expect(treeMove("Enter", rows, 2)).toEqual({ select: "src/a.ts" });
  expect(treeMove("End", rows, 0)).toEqual({ go: 3 });
  expect(treeMove("r", rows, 0)).toEqual({ go: 3 });
  expect(treeMove("Tab", rows, 0)).toBeUndefined();
});

test("what changed since the start is told by the content, and not for folders", () => {
  const [a, b] = ["a".repeat(64), "b".repeat(64)];
  const changes = fileChanges(
    [
      { path: "same", sha256: a },
      { path: "edited", sha256: a },
      { path: "gone", sha256: a },
      { path: "dir", type: "directory" },
      { path: "link", type: "symlink", target: "x" },
    ],
    [
      { path: "same", sha256: a, modifiedAt: "2026-01-01T00:00:00.000Z" },
      { path: "edited", sha256: b },
      { path: "new", sha256: b },
      { path: "other", type: "directory" },
      { path: "link", type: "symlink", target: "y" },
    ],
  );
  expect(Object.fromEntries(changes)).toEqual({
    edited: "modified",
    new: "added",
    gone: "deleted",
    link: "modified",
  });
});

test("bytes are text, a picture or neither, whatever the name says", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  expect(fileKind("a.bin", bytes("hällo"))).toEqual({ kind: "text", text: "hällo" });
  expect(fileKind("a.txt", new Uint8Array([1, 0, 2]))).toEqual({ kind: "binary" });
  expect(fileKind("a.txt", new Uint8Array([0xff, 0xfe, 0x41]))).toEqual({ kind: "binary" });
  expect(fileKind("a.PNG", bytes(""))).toEqual({ kind: "image", type: "image/png" });
  expect(fileKind("x.constructor", bytes("x"))).toEqual({ kind: "text", text: "x" });
  expect([languageOf("a/b.mts"), languageOf("Dockerfile"), languageOf("x.constructor"), languageOf("no")]).toEqual([
    "typescript",
    "dockerfile",
    "constructor",
    "",
  ]);
});

test("a file is kept by a name that hides nothing and fits anywhere", () => {
  expect(downloadName("src/main.ts")).toBe("main.ts");
  expect(downloadName('a/"quoted"\nline.txt')).toBe("_quoted__line.txt");
  expect(downloadName("evil\u202Etxt.exe")).toBe("evil_txt.exe");
  expect(downloadName("a/..")).toBe("_");
  expect(downloadName("a/.env")).toBe(".env");
  expect(downloadName("")).toBe("file");
  expect(downloadName("x".repeat(500))).toHaveLength(150);
});
