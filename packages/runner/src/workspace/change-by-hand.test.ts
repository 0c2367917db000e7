import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { createTracker } from "./tracker.ts";
import type { Tracker } from "./tracker.ts";

let folder: ReturnType<typeof temporaryFolder>;
let root: string;
let told: EntryBody[];
let tracker: Tracker;

beforeEach(async () => {
  folder = temporaryFolder();
  root = join(folder.path, "workspace");
  mkdirSync(root);
  told = [];
  tracker = createTracker({
    root,
    state: folder.path,
    append: async (body) => void told.push(body),
    last: () => told.length,
    onSkipped: async () => undefined,
    log: () => {},
  });
  await tracker.begin({ ignore: ["node_modules"], maxFileBytes: 1_000_000 });
});
afterEach(async () => {
  await tracker.stop();
  folder.remove();
});

const at = (path: string) => join(root, path);
const sha256 = (bytes: string | Buffer) => createHash("sha256").update(bytes).digest("hex");

function write(path: string, content: string | Buffer) {
  const bytes = Buffer.from(content);
  const file = { path, size: bytes.length, sha256: sha256(bytes) };
  return tracker.write({ file, offset: 0, data: bytes.toString("base64"), last: true });
}

it("a file that is written is told before the answer, without the bytes that the server has", async () => {
  expect(await write("a/b.txt", "text")).toEqual({ last: 1 });
  expect(told).toMatchObject([{ change: "created", file: { path: "a/b.txt", content: "text", mode: 0o644 } }]);
  chmodSync(at("a/b.txt"), 0o755);
  const bytes = Buffer.alloc(100_000, 0xff);
  const file = { path: "a/b.txt", size: bytes.length, sha256: sha256(bytes) };
  const piece = (from: number, to: number) => ({
    file,
    offset: from,
    data: bytes.subarray(from, to).toString("base64"),
    last: to === bytes.length,
  });
  const begun = await tracker.write(piece(0, 60_000));
  expect([begun.refused, readFileSync(at("a/b.txt"), "utf8")]).toEqual([undefined, "text"]);
  const report = await tracker.write(piece(60_000, 100_000));
  expect(report).toEqual({ last: told.length });
  expect(told.some(({ kind }) => kind === "blob")).toBe(false);
  // With the mode that it had.
  expect(told.at(-1)).toMatchObject({ change: "modified", file: { ...file, mode: 0o755 } });
  expect(readFileSync(at("a/b.txt")).equals(bytes)).toBe(true);
  // What was begun and is not ended makes no room for itself.
  await tracker.write({ ...piece(0, 60_000), file: { ...file, path: "other" } });
  await expect(tracker.write(piece(60_000, 100_000))).rejects.toThrow("expected offset 0");
  expect(readdirSync(root)).toEqual(["a"]);
});

it("a file that is removed is told before the answer; a folder only goes when nothing is in it", async () => {
  await write("a/b.txt", "text");
  symlinkSync("b.txt", at("a/link"));
  expect(await tracker.remove("a")).toMatchObject({ refused: "folder" });
  expect(await tracker.remove("a/link")).toMatchObject({ last: told.length });
  expect(await tracker.remove("a/b.txt")).toEqual({ last: told.length });
  expect(told.slice(-2)).toMatchObject([
    { kind: "file:deleted", path: "a/b.txt" },
    { kind: "file:changed", file: { path: "a", type: "directory" } },
  ]);
  expect(await tracker.remove("a")).toEqual({ last: told.length });
  expect(told.at(-1)).toEqual({ kind: "file:deleted", path: "a" });
  for (const path of ["a", "a/b.txt"]) expect(await tracker.remove(path)).toMatchObject({ refused: "missing" });
  expect(existsSync(at("a"))).toBe(false);
});

it("nothing is written over a folder or a link, nor through one", async () => {
  const outside = join(folder.path, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "victim"), "safe");
  symlinkSync(outside, at("way-out"));
  symlinkSync(join(outside, "victim"), at("link"));
  mkdirSync(at("dir"));
  writeFileSync(at("file"), "x");
  const refusals = {
    "way-out/victim": "below_symlink",
    link: "symlink",
    dir: "folder",
    "file/below": "below_file",
  };
  for (const [path, refused] of Object.entries(refusals)) expect(await write(path, "evil")).toMatchObject({ refused });
  expect(await tracker.remove("way-out/victim")).toMatchObject({ refused: "missing" });
  expect(readFileSync(join(outside, "victim"), "utf8")).toBe("safe");
  expect(lstatSync(at("link")).isSymbolicLink()).toBe(true);
  expect(readdirSync(root).toSorted()).toEqual(["dir", "file", "link", "way-out"]);
});
