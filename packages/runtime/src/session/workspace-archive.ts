import { RuntimeError, type FileEntry } from "@hhopkins/agent-runtime-protocol";
import { createHash } from "node:crypto";
import { Readable, type PassThrough } from "node:stream";
import { ZipFile } from "yazl";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";

/** Type bits of a mode, which a zip keeps beside the permissions. */
const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const SYMLINK = 0o120000;
const COMMENT_CHARS = 60_000;

export interface WorkspaceArchive {
  readonly store: SessionStore;
  readonly key: SessionKey;
  readonly files: readonly FileEntry[];
}

/**
 * A workspace as a zip, from what is saved of it: files with their modes, symlinks as such, empty folders. It is made
 * while it is read, a piece of a file at a time. Files whose bytes were not kept are left out and named in the zip's
 * comment; bytes that turn out damaged break the stream, for what was sent cannot be taken back.
 */
export async function* workspaceArchive(archive: WorkspaceArchive): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile();
  const output = zip.outputStream as PassThrough;
  const fail = (error: unknown): void => void output.destroy(error instanceof Error ? error : new Error(String(error)));
  // Broken before it is read: the reader is told when it begins.
  output.on("error", () => undefined);
  zip.on("error", fail);
  const missing: string[] = [];
  for (const file of archive.files) if (!(await add(zip, archive, { file, fail }))) missing.push(file.path);
  zip.end({ comment: commentOn(missing), forceZip64Format: false });
  for await (const bytes of output) yield bytes as Uint8Array;
}

/** false: there is nothing of it to be had. */
async function add(
  zip: ZipFile,
  archive: WorkspaceArchive,
  { file, fail }: { file: FileEntry; fail: (error: unknown) => void },
): Promise<boolean> {
  const { mode, modifiedAt, target = "" } = file;
  // A name such as `a:b` would be taken for one of a drive.
  const path = /^[a-z]:/i.test(file.path) ? `./${file.path}` : file.path;
  const at = modifiedAt === undefined ? {} : { mtime: new Date(modifiedAt) };
  switch (file.type ?? "file") {
    case "directory":
      zip.addEmptyDirectory(path, { ...at, mode: DIRECTORY | (mode ?? 0o755) });
      return true;
    case "symlink":
      zip.addBuffer(Buffer.from(target), path, { ...at, mode: SYMLINK | 0o777, compress: false });
      return true;
    case "file":
      if (!(await isKept(archive, file))) return false;
      zip.addReadStreamLazy(path, { ...at, mode: REGULAR | (mode ?? 0o644), size: file.size ?? 0 }, (give) => {
        give(null, Readable.from(checkedBytes(archive, file)).on("error", fail));
      });
      return true;
  }
}

async function isKept({ store, key }: WorkspaceArchive, { sha256, size }: FileEntry): Promise<boolean> {
  return sha256 !== undefined && (await store.blobSize(key, sha256)) === (size ?? 0);
}

/** A file's bytes; rejects at their end when they were not the file's. */
async function* checkedBytes(
  { store, key }: WorkspaceArchive,
  { path, sha256 = "" }: FileEntry,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const bytes of store.blob(key, sha256)) {
    hash.update(bytes);
    yield bytes;
  }
  if (hash.digest("hex") !== sha256) {
    throw new RuntimeError("persistence_unavailable", `The saved bytes of ${path} are damaged.`);
  }
}

/** ASCII alone, which every program reads alike in a comment. */
function commentOn(missing: readonly string[]): string {
  if (missing.length === 0) return "";
  const escaped = (sign: string): string => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const names = JSON.stringify(missing).replace(/[^ -~]/g, escaped);
  return `Left out, because their bytes were not kept: ${names}`.slice(0, COMMENT_CHARS);
}
