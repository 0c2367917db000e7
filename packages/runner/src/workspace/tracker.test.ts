import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EntryBody, manifestText } from "@hhopkins/agent-runtime-protocol";
import type { FileEntry } from "@hhopkins/agent-runtime-protocol";
import { until } from "../testing/fake-server.ts";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { createTracker } from "./tracker.ts";
import type { Tracker } from "./tracker.ts";

type Changed = Extract<EntryBody, { kind: "file:changed" }>;

let folder: ReturnType<typeof temporaryFolder>;
let root: string;
let told: EntryBody[];
let skipped: number[];
let tracker: Tracker;

beforeEach(() => {
  folder = temporaryFolder();
  root = join(folder.path, "workspace");
  mkdirSync(root);
  told = [];
  skipped = [];
  tracker = createTracker({
    root,
    state: folder.path,
    async append(body) {
      told.push(EntryBody.parse(body));
    },
    last: () => told.length,
    onSkipped: async (count) => void skipped.push(count),
    log: () => {},
  });
});
afterEach(async () => {
  await tracker.stop();
  folder.remove();
});

const at = (path: string) => join(root, path);
const sha = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
const begin = (maxFileBytes = 1_000_000) => tracker.begin({ ignore: [".git", "node_modules"], maxFileBytes });
const changed = (path: string) =>
  told.findLast((body): body is Changed => body.kind === "file:changed" && body.file.path === path);
const summary = () =>
  told.map((body) =>
    "path" in body ? `- ${body.path}` : body.kind === "file:changed" ? `${body.change} ${body.file.path}` : body.kind,
  );
const put = (file: FileEntry, data = "", offset = 0) =>
  tracker.put({ kind: "file:put", file, offset, data: Buffer.from(data).toString("base64"), last: true });

/** What a server knows that has taken every entry, given what it put itself. */
function folded(puts: FileEntry[] = []): FileEntry[] {
  const files = new Map(puts.map((entry) => [entry.path, entry]));
  const blobs = new Map<string, number>();
  for (const body of told) {
    if (body.kind === "blob") {
      expect(body.offset).toBe(blobs.get(body.sha256) ?? 0);
      blobs.set(body.sha256, body.offset + Buffer.from(body.data, "base64").length);
    }
    if (body.kind === "file:deleted") expect(files.delete(body.path)).toBe(true);
    if (body.kind !== "file:changed") continue;
    const { content, ...entry } = body.file;
    expect(body.change).toBe(files.has(entry.path) ? "modified" : "created");
    if (entry.type === "file" && body.omitted !== true) {
      if (content === undefined) expect(blobs.get(entry.sha256!)).toBe(entry.size);
      else expect(sha(content)).toBe(entry.sha256);
    }
    files.set(entry.path, entry);
  }
  return [...files.values()];
}

async function expectManifest(puts: FileEntry[] = []): Promise<void> {
  const { count, manifest, last } = await tracker.sync();
  expect(last).toBe(told.length);
  const entries = folded(puts);
  expect(count).toBe(entries.length);
  expect(manifest).toBe(sha(manifestText(entries)));
}

describe("what a scan tells", () => {
  it("tells files, symlinks and empty directories, and leaves out ignored folders at any depth", async () => {
    mkdirSync(at("a/b/empty"), { recursive: true });
    mkdirSync(at("a/node_modules/x"), { recursive: true });
    mkdirSync(at(".git"));
    mkdirSync(at("only-ignored/.git"), { recursive: true });
    writeFileSync(at(".git/config"), "x");
    writeFileSync(at("a/node_modules/x/y.js"), "x");
    writeFileSync(at("a/grün 👩.txt"), "hällo", { mode: 0o640 });
    writeFileSync(at("zero"), "");
    symlinkSync("/etc/passwd", at("a/outside"));
    symlinkSync("..", at("a/b/loop"));
    await begin();
    expect(summary()).toEqual([
      "created a/b/empty",
      "created a/b/loop",
      "created a/grün 👩.txt",
      "created a/outside",
      "created only-ignored",
      "created zero",
    ]);
    expect(changed("a/grün 👩.txt")?.file).toMatchObject({
      mode: 0o640,
      size: 6,
      content: "hällo",
      sha256: sha("hällo"),
    });
    expect(changed("zero")?.file).toMatchObject({ size: 0, content: "", sha256: sha("") });
    expect(changed("a/outside")?.file).toEqual({ path: "a/outside", type: "symlink", target: "/etc/passwd" });
    expect(changed("a/b/empty")?.file).toMatchObject({ type: "directory" });
    await expectManifest();
  });

  it("tells changes by content, mode and type, and nothing of a mere touch", async () => {
    writeFileSync(at("text"), "one");
    writeFileSync(at("mode"), "same", { mode: 0o644 });
    writeFileSync(at("touched"), "same");
    writeFileSync(at("becomes-link"), "x");
    mkdirSync(at("filled"));
    await begin();
    told.length = 0;
    writeFileSync(at("text"), "two");
    chmodSync(at("mode"), 0o755);
    utimesSync(at("touched"), 1, 1);
    rmSync(at("becomes-link"));
    symlinkSync("text", at("becomes-link"));
    writeFileSync(at("filled/child"), "c");
    await tracker.scan();
    expect(summary()).toEqual([
      "- filled",
      "modified becomes-link",
      "created filled/child",
      "modified mode",
      "modified text",
    ]);
    expect(changed("mode")?.file).toMatchObject({ mode: 0o755, content: "same" });
    expect(changed("text")?.file).toMatchObject({ content: "two" });
  });

  it("tells deletions, renames, and files that come back as new ones", async () => {
    writeFileSync(at("old"), "moved");
    writeFileSync(at("again"), "1");
    await begin();
    renameSync(at("old"), at("new"));
    rmSync(at("again"));
    await tracker.scan();
    writeFileSync(at("again"), "1");
    await tracker.scan();
    expect(summary()).toEqual(["created again", "created old", "- again", "- old", "created new", "created again"]);
    await expectManifest();
  });

  it("sees a second write of the same size right behind the first, whatever its time stamp was set to", async () => {
    await begin();
    const time = new Date();
    writeFileSync(at("fast"), "aaaa");
    utimesSync(at("fast"), time, time);
    await tracker.scan();
    writeFileSync(at("fast"), "bbbb");
    utimesSync(at("fast"), time, time);
    await tracker.sync();
    expect(changed("fast")?.file).toMatchObject({ content: "bbbb" });
  });

  it("sends binary and large files as blobs before they are named, and each blob once", async () => {
    const binary = Buffer.from([0, 255, 254, 10, 0xc3, 0x28]);
    const large = Buffer.alloc(600_000, "large text ");
    writeFileSync(at("binary"), binary);
    writeFileSync(at("copy"), binary);
    writeFileSync(at("large"), large);
    await begin();
    expect(summary()).toEqual(["blob", "created binary", "created copy", "blob", "blob", "blob", "created large"]);
    const parts = told.flatMap((body) => (body.kind === "blob" && body.sha256 === sha(large) ? [body.data] : []));
    expect(Buffer.concat(parts.map((part) => Buffer.from(part, "base64"))).equals(large)).toBe(true);
    await expectManifest();
  });

  it("copies what is too large for memory aside, so the blob is what its hash says", async () => {
    const huge = Buffer.alloc(6_000_000, "0123456789");
    writeFileSync(at("huge"), huge);
    await begin(10_000_000);
    expect(changed("huge")?.file).toMatchObject({ size: huge.length, sha256: sha(huge) });
    folded();
  });

  it("names files above the limit without their bytes", async () => {
    writeFileSync(at("above"), "x".repeat(1_001));
    await begin(1_000);
    expect(changed("above")).toMatchObject({ omitted: true, file: { size: 1_001 } });
    expect(changed("above")?.file.sha256).toBeUndefined();
    await expectManifest();
  });

  it("counts names that cannot be told", async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${root}/bad-`), Buffer.from([0xff])]), "x");
    writeFileSync(at("back\\slash"), "x");
    writeFileSync(at("fine"), "x");
    await begin();
    await tracker.scan();
    expect(skipped).toEqual([2]);
    expect(summary()).toEqual(["created fine"]);
  });

  it("tells a burst of 5,000 files as blobs, all of them, and keeps few open things", async () => {
    await begin();
    for (let n = 0; n < 5_000; n++) {
      if (n % 100 === 0) mkdirSync(at(`dir-${n / 100}/deep`), { recursive: true });
      writeFileSync(at(`dir-${Math.floor(n / 100)}/deep/file-${n}`), n % 2 === 0 ? "same" : `content ${n}`);
    }
    await tracker.scan();
    const files = told.filter((body) => body.kind === "file:changed");
    expect(files).toHaveLength(5_000);
    // The watcher may have cut the burst in two, so only its greater part must be blobs.
    expect(files.filter((body) => body.file.content !== undefined).length).toBeLessThanOrEqual(400);
    await expectManifest();
    rmSync(root, { recursive: true });
    mkdirSync(root);
    await tracker.scan();
    expect(told.filter((body) => body.kind === "file:deleted")).toHaveLength(5_000);
    expect(folded()).toEqual([]);
  });

  it("leaves out sockets, pipes and devices", async () => {
    const { createServer } = await import("node:net");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at("socket"), resolve));
    await begin();
    await new Promise((resolve) => server.close(resolve));
    expect(told.filter((body) => body.kind === "file:changed")).toEqual([]);
  });
});

describe("changes that nobody announces", () => {
  it("are found by themselves, in new directories too", async () => {
    await begin();
    mkdirSync(at("new/deep"), { recursive: true });
    writeFileSync(at("new/deep/file"), "1");
    await until(() => changed("new/deep/file"));
    writeFileSync(at("new/deep/file"), "22");
    await until(() => changed("new/deep/file")?.file.size === 2);
    rmSync(at("new"), { recursive: true });
    await until(() => summary().includes("- new/deep/file"));
    mkdirSync(at("new/deep"), { recursive: true });
    writeFileSync(at("new/deep/other"), "3");
    await until(() => changed("new/deep/other"));
  });
});

describe("putting files", () => {
  it("puts files in pieces, modes, symlinks and directories, and tells nothing of them", async () => {
    const content = "grün".repeat(100);
    const puts: FileEntry[] = [
      { path: "dir/script.sh", type: "file", mode: 0o755, size: Buffer.byteLength(content), sha256: sha(content) },
      { path: "plain", sha256: sha("") },
      { path: "dir/link", type: "symlink", target: "../plain" },
      { path: "empty", type: "directory", mode: 0o700 },
    ];
    const bytes = Buffer.from(content);
    const [script, plain, link, empty] = puts as [FileEntry, FileEntry, FileEntry, FileEntry];
    const half = (from: number, to: number) => bytes.subarray(from, to).toString("base64");
    await tracker.put({ kind: "file:put", file: script, offset: 0, data: half(0, 101), last: false });
    await tracker.put({ kind: "file:put", file: script, offset: 101, data: half(101, bytes.length), last: true });
    await put(plain);
    await put(link);
    await put(empty);
    expect(readFileSync(at("dir/script.sh"), "utf8")).toBe(content);
    expect(lstatSync(at("dir/script.sh")).mode & 0o7777).toBe(0o755);
    expect(readFileSync(at("plain"), "utf8")).toBe("");
    expect(readlinkSync(at("dir/link"))).toBe("../plain");
    expect(lstatSync(at("empty")).mode & 0o7777).toBe(0o700);
    await begin();
    expect(told).toEqual([]);
    await expectManifest(puts);
    writeFileSync(at("plain"), "now");
    rmSync(at("dir/link"));
    await tracker.scan();
    expect(summary()).toEqual(["- dir/link", "modified plain"]);
    await expectManifest(puts);
  });

  it("tells what differs from what was put, when the changes come before the start", async () => {
    await put({ path: "kept", sha256: sha("kept") }, "kept");
    await put({ path: "changed", sha256: sha("put") }, "put");
    await put({ path: "gone", sha256: sha("gone") }, "gone");
    writeFileSync(at("changed"), "by somebody else");
    rmSync(at("gone"));
    writeFileSync(at("extra"), "extra");
    await begin();
    expect(summary()).toEqual(["- gone", "modified changed", "created extra"]);
  });

  it("writes through no symlink and over no directory, and refuses wrong bytes", async () => {
    const outside = join(folder.path, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "victim"), "safe");
    symlinkSync(outside, at("way-out"));
    symlinkSync(join(outside, "victim"), at("file-link"));
    mkdirSync(at("dir"));
    writeFileSync(at("file"), "x");
    const refused = expect.objectContaining({ code: "invalid_request" }) as Error;
    await expect(put({ path: "way-out/victim" }, "evil")).rejects.toThrow(refused);
    await expect(put({ path: "file/below" }, "x")).rejects.toThrow(refused);
    await expect(put({ path: "dir" }, "x")).rejects.toThrow(refused);
    await expect(put({ path: "wrong", sha256: sha("other") }, "x")).rejects.toThrow(refused);
    await expect(put({ path: "link", type: "symlink", target: "" })).rejects.toThrow(refused);
    // A link that leads out is put back as the text that it was.
    for (const target of ["/usr/bin/python3", "../x"]) {
      await put({ path: "link", type: "symlink", target });
      expect(readlinkSync(at("link"))).toBe(target);
    }
    await expect(put({ path: "late" }, "x", 5)).rejects.toThrow(refused);
    // A symlink with the file's name is replaced, not followed.
    await put({ path: "file-link" }, "new");
    expect(readFileSync(at("file-link"), "utf8")).toBe("new");
    expect(readFileSync(join(outside, "victim"), "utf8")).toBe("safe");
    expect(readdirSync(outside)).toEqual(["victim"]);
    expect(existsSync(at("wrong"))).toBe(false);
    expect(readdirSync(root).toSorted()).toEqual(["dir", "file", "file-link", "link", "way-out"]);
  });
});
