import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { lstatSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { manifestText } from "@hhopkins/agent-runtime-protocol";
import type { EntryBody, FileEntry } from "@hhopkins/agent-runtime-protocol";
import { temporaryFolder } from "../testing/temporary-folder.ts";
import { createTracker } from "./tracker.ts";

/** Park and Miller's generator: the same walk in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/** What is on the disk, seen without the tracker. */
function disk(root: string, folder = ""): FileEntry[] {
  return readdirSync(join(root, folder)).flatMap((name): FileEntry[] => {
    const path = folder === "" ? name : `${folder}/${name}`;
    const stats = lstatSync(join(root, path));
    const mode = stats.mode & 0o7777;
    if (stats.isSymbolicLink()) return [{ path, type: "symlink", target: readlinkSync(join(root, path)) }];
    if (stats.isFile()) {
      return [
        {
          path,
          type: "file",
          mode,
          sha256: createHash("sha256")
            .update(readFileSync(join(root, path)))
            .digest("hex"),
        },
      ];
    }
    const below = disk(root, path);
    return below.length > 0 ? below : [{ path, type: "directory", mode }];
  });
}

function fold(entries: readonly EntryBody[]): FileEntry[] {
  const files = new Map<string, FileEntry>();
  for (const body of entries) {
    if (body.kind === "file:deleted") expect(files.delete(body.path)).toBe(true);
    if (body.kind !== "file:changed") continue;
    expect(body.change).toBe(files.has(body.file.path) ? "modified" : "created");
    files.set(body.file.path, body.file);
  }
  return [...files.values()];
}

/** One random change; what the file system refuses is no change. */
function change(root: string, random: (below: number) => number): void {
  const name = () => ["a", "b", "c/a", "c/b", "c/d/a", "e", "e/a"][random(7)]!;
  const path = join(root, name());
  const changes = [
    () => writeFileSync(path, "x".repeat(random(4))),
    () => writeFileSync(path, Buffer.from([random(256), 0xff])),
    () => mkdirSync(path, { recursive: true }),
    () => rmSync(path, { recursive: true, force: true }),
    () => renameSync(path, join(root, name())),
    () => symlinkSync(name(), path),
    () => chmodSync(path, 0o600 + random(0o100)),
  ];
  try {
    changes[random(changes.length)]!();
  } catch {
    // The next one may fit.
  }
}

describe("a workspace in which anything happens", () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`is told such that the server's picture is the disk's (seed ${seed})`, async () => {
      const folder = temporaryFolder();
      const root = join(folder.path, "workspace");
      mkdirSync(root);
      const told: EntryBody[] = [];
      const append = async (body: EntryBody) => void told.push(body);
      const tracker = createTracker({
        root,
        state: folder.path,
        append,
        last: () => told.length,
        onSkipped: async () => {},
        log: (text, detail) => expect.unreachable(`${text} ${String(detail)}`),
      });
      const random = seeded(seed * 7919);
      await tracker.begin({ ignore: [], maxFileBytes: 1_000 });
      for (let round = 0; round < 60; round++) {
        for (let steps = random(8); steps >= 0; steps--) change(root, random);
        const { manifest, last } = await tracker.sync();
        expect(last).toBe(told.length);
        expect(manifestText(fold(told))).toBe(manifestText(disk(root)));
        expect(manifest).toBe(
          createHash("sha256")
            .update(manifestText(disk(root)))
            .digest("hex"),
        );
      }
      await tracker.stop();
      folder.remove();
    });
  }
});
