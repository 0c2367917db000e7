import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import type { Known } from "./changes.ts";
import { listKnown, resendBlobs } from "./resend.ts";
import { identityOf, statOf } from "./scan.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("the list comes in pages, by path, and each path once", () => {
  const paths = Array.from({ length: 3000 }, (_unused, index) => `${"x".repeat(400)}/${index}`);
  const identity = { size: 0n, mtimeNs: 0n, ctimeNs: 0n, ino: 0n, mode: 0o644 };
  const known = new Map(paths.map((path) => [path, { entry: { path }, identity, omitted: false, fresh: false }]));
  const pages = [listKnown(known, undefined)];
  for (let page = pages.at(-1); page?.more === true; page = pages.at(-1))
    pages.push(listKnown(known, page.files.at(-1)?.path));
  expect(pages.length).toBeGreaterThan(2);
  expect(pages.flatMap(({ files }) => files.map(({ path }) => path))).toEqual(paths.toSorted());
  expect(listKnown(new Map(), undefined)).toEqual({ files: [], more: false });
});

test("blobs are sent again whole, from a file that still has the bytes; one that has changed is left to the next scan", async () => {
  const root = mkdtempSync(join(tmpdir(), "agent-runner-"));
  const large = Buffer.alloc(600_000, "large");
  const know = (path: string, bytes: Buffer): [string, Known] => {
    writeFileSync(join(root, path), bytes);
    const stats = statOf(join(root, path));
    if (stats === null) throw new Error(path);
    const entry = { path, type: "file" as const, sha256: sha256(bytes) };
    return [path, { entry, identity: identityOf(stats), omitted: false, fresh: false }];
  };
  const known = new Map([
    know("large", large),
    know("changed", Buffer.from("before")),
    know("gone", Buffer.from("gone")),
  ]);
  writeFileSync(join(root, "changed"), "after it was looked at");
  rmSync(join(root, "gone"));
  const said: EntryBody[] = [];
  const append = async (body: EntryBody): Promise<void> => void said.push(body);
  const blobs = ["large", "before", "gone", "never known"].map((text) =>
    sha256(text === "large" ? large : Buffer.from(text)),
  );
  await resendBlobs(blobs, { root, spoolFile: join(root, ".spool"), known, append });
  const bytes = said.flatMap((body) =>
    body.kind === "blob" && body.sha256 === sha256(large) ? [Buffer.from(body.data, "base64")] : [],
  );
  expect(bytes).toHaveLength(said.length);
  expect(Buffer.concat(bytes).equals(large)).toBe(true);
  rmSync(root, { recursive: true });
});
