import { describe, expect, it } from "vitest";
import { changesOf } from "./changes.ts";
import type { Known } from "./changes.ts";
import type { Identity, Scan, Seen } from "./scan.ts";

const identity = (more: Partial<Identity> = {}): Identity => ({
  size: 1n,
  mtimeNs: 1n,
  ctimeNs: 1n,
  ino: 1n,
  mode: 0o644,
  ...more,
});
const file = (more: Partial<Identity> = {}): Seen => ({ type: "file", identity: identity(more) });
const known = (path: string, fresh = false): [string, Known] => [
  path,
  { entry: { path, type: "file" }, identity: identity(), omitted: false, fresh },
];
const scan = (seen: [string, Seen][], unreadable: string[] = []): Scan => ({
  seen: new Map(seen),
  directories: new Set(),
  unreadable: new Set(unreadable),
  skipped: 0,
});

describe("what differs between a scan and what is known", () => {
  it("does not take for deleted what lies below a directory that could not be read", () => {
    const before = new Map([known("closed/a"), known("closed/b/c"), known("closed-too"), known("other/a")]);
    expect(changesOf(scan([], ["closed"]), before).deleted).toEqual(["closed-too", "other/a"]);
    expect(changesOf(scan([], [""]), before).deleted).toEqual([]);
    expect(changesOf(scan([], ["closed/b"]), before).deleted).toEqual(["closed-too", "closed/a", "other/a"]);
  });

  it("looks again at what was written just before it was read, and at every other trace of a write", () => {
    const changed = (seen: Seen, fresh = false) =>
      changesOf(scan([["a", seen]]), new Map([known("a", fresh)])).changed.length;
    expect(changed(file())).toBe(0);
    expect(changed(file(), true)).toBe(1);
    expect(changed(file({ size: 2n }))).toBe(1);
    expect(changed(file({ ctimeNs: 2n }))).toBe(1);
    expect(changed(file({ ino: 2n }))).toBe(1);
    expect(changed(file({ mode: 0o600 }))).toBe(1);
    expect(changed({ type: "symlink", target: "x", identity: identity() })).toBe(1);
  });
});
