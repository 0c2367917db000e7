import { DEFAULT_IGNORE, type SessionEvent } from "@hhopkins/agent-runtime";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, readdir, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sandboxPid } from "../testing/processes.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";

let kept: ReturnType<typeof memoryPersistence>;
let bench: RuntimeUnderTest;
beforeEach(async () => {
  kept = memoryPersistence();
  bench = await startRuntime({ persistence: kept });
});
afterEach(() => bench[Symbol.asyncDispose]());

const folderOf = (id: string, generation: number): string => join(bench.dataDir, "sandboxes", `${id}-${generation}`);
const key = (sessionId: string) => ({ tenant: "default", sessionId });
const isFileEvent = ({ type }: SessionEvent): boolean => type.startsWith("session:file:");

/** Every entry below a folder: its path, type, mode, and the SHA-256 of its bytes or its target. */
async function manifest(root: string): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const mode = ((await lstat(path)).mode & 0o7777).toString(8);
    const name = JSON.stringify(path.slice(root.length));
    if (entry.isSymbolicLink()) lines.push(`${name} symlink ${await readlink(path)}`);
    else if (entry.isDirectory()) lines.push(`${name} directory ${mode}`);
    else
      lines.push(
        `${name} file ${mode} ${createHash("sha256")
          .update(await readFile(path))
          .digest("hex")}`,
      );
  }
  return lines.toSorted();
}

const MAKE = [
  "head -c 3000000 /dev/urandom > random.bin; printf '\\x00\\xff\\xfe' > odd.bin; : > empty; printf 'caf\\xe9' > latin1",
  "mkdir -p deep/er void/in/void 'with space'; printf text > deep/er/file.txt; printf x > 'with space/😀 ünï'; printf x > $'line\\nend'",
  "ln -s deep/er/file.txt inside; ln -s ../random.bin deep/up; ln -s nowhere dangling; ln -s deep folder-link",
  "chmod 600 odd.bin; chmod 755 latin1; chmod 444 empty; chmod 700 void/in/void; cp random.bin deep/copy.bin",
].join("; ");

async function made(): Promise<string> {
  const id = await bench.create();
  const state = await bench.turn(id, prompt("make", { tools: [bash(MAKE)] }, { text: "made" }));
  expect(said(state)).toEqual(["made"]);
  return id;
}

describe("a new sandbox has the workspace of the old one, byte for byte, without a file event", () => {
  test.each([
    [
      "after it was ended and its folder is gone",
      async (id: string) => {
        expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
      },
    ],
    [
      "after it was killed, and its folder deleted before anybody could look",
      async (id: string) => {
        process.kill(await sandboxPid(bench.dataDir, `${id}-1`), "SIGKILL");
        await rm(folderOf(id, 1), { recursive: true });
        await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "error");
      },
    ],
  ])("%s", async (_name, end) => {
    const id = await made();
    const before = await manifest(join(folderOf(id, 1), "workspace"));
    expect(before).toHaveLength(18);
    const events = (await logOf(bench, id)).filter(isFileEvent);
    await end(id);
    await expect.poll(() => existsSync(folderOf(id, 1))).toBe(false);
    const after = await bench.turn(id, prompt("again", { text: "here" }));
    expect(after.runtime.sandbox).toMatchObject({ sandboxId: `${id}-2`, status: "ready" });
    expect((await logOf(bench, id)).filter(isFileEvent)).toEqual(events);
    expect(await manifest(join(folderOf(id, 2), "workspace"))).toEqual(before);
  });
});

test("what is missing or damaged in the store is said, file by file, and the rest starts without it", async () => {
  const id = await made();
  expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
  const files = new Map((await kept.store.files(key(id))).map((file) => [file.path, file.sha256 ?? ""]));
  const [gone, damaged] = [files.get("odd.bin"), files.get("random.bin")];
  const real = kept.store.blob;
  kept.store.blob = async function* (at, sha256) {
    if (sha256 === gone) return;
    for await (const bytes of real(at, sha256))
      yield sha256 === damaged ? Uint8Array.from(bytes, (byte, n) => (n === 7 ? byte ^ 1 : byte)) : bytes;
  };
  const { lastSeq } = await bench.state(id);
  const after = await bench.turn(id, prompt("again", { tools: [bash("ls -1 . deep")] }, { text: "without them" }));
  expect(said(after)).toEqual(["made", "without them"]);
  const told = (await logOf(bench, id)).filter((event) => event.seq > lastSeq && isFileEvent(event));
  expect(told.map(({ type, data }) => [type, "path" in data ? data.path : ""])).toEqual([
    ["session:file:deleted", "deep/copy.bin"],
    ["session:file:deleted", "odd.bin"],
    ["session:file:deleted", "random.bin"],
  ]);
  expect(after.blocks.findLast(({ type }) => type === "system")).toMatchObject({
    subtype: "files_missing",
    content: expect.stringMatching(/^3 of .*missing or damaged: deep\/copy.bin, odd.bin, random.bin\.$/),
  });
  expect(after.workspaceFiles.map(({ path }) => path)).not.toContain("random.bin");
  expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
});

test("each turn's end is a checkpoint, and its files stay as they were", async () => {
  const id = await bench.create();
  await bench.turn(
    id,
    prompt("one", { tools: [bash("printf one > a; printf x > b; ln -s a link; mkdir void")] }, { text: "1" }),
  );
  const first = await kept.store.files(key(id));
  await bench.turn(id, prompt("two", { tools: [bash("printf two > a; rm b; chmod 600 a")] }, { text: "2" }));
  const second = await kept.store.files(key(id));
  const ends = (await logOf(bench, id)).flatMap((event) =>
    event.type === "session:turn:completed" ? [{ seq: event.seq, turnId: event.data.turnId }] : [],
  );
  const checkpoints = await kept.store.checkpoints(key(id), { limit: 10 });
  expect(checkpoints.map(({ turnId }) => turnId)).toEqual([...ends.map(({ turnId }) => turnId).toReversed(), "start"]);
  const [newer, older] = checkpoints;
  expect(await kept.store.filesAt(key(id), older?.seq ?? 0)).toEqual(first);
  expect(await kept.store.filesAt(key(id), newer?.seq ?? 0)).toEqual(second);
  expect(first.map(({ path, type }) => `${path} ${type}`)).toEqual([
    "a file",
    "b file",
    "link symlink",
    "void directory",
  ]);
  expect(second.map(({ path, mode }) => `${path} ${mode?.toString(8)}`)).toEqual([
    "a 600",
    "link undefined",
    "void 755",
  ]);
});

test("with `.git` taken out of ignoreFiles a repository goes on in the next sandbox", async () => {
  await using tracking = await startRuntime({ ignoreFiles: DEFAULT_IGNORE.filter((name) => name !== ".git") });
  const id = await tracking.create();
  const git = "git -c user.name=a -c user.email=a@b -c init.defaultBranch=main";
  const commit = `${git} init -q && printf one > a && ${git} add a && ${git} commit -qm first && mkdir node_modules && touch node_modules/x`;
  await tracking.turn(id, prompt("commit", { tools: [bash(commit)] }, { text: "committed" }));
  expect((await tracking.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
  const look = `git fsck --strict && git log --format=%s && git status --porcelain && ls`;
  const after = await tracking.turn(id, prompt("look", { tools: [bash(look)] }, { text: "looked" }));
  expect(after.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({
    content: expect.stringMatching(/(^|\n)first\na$/),
  });
});
