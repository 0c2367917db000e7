import type { EntryBody, FileEntry, FileList } from "@hhopkins/agent-runtime-protocol";
import type { Known } from "./changes.ts";
import { hasCode } from "./scan.ts";
import { takeSnapshot } from "./snapshot.ts";

/** Characters of JSON in a page of the list: well below the longest line. */
const PAGE_CHARS = 512 * 1024;

export interface ResendContext {
  readonly root: string;
  readonly spoolFile: string;
  readonly known: ReadonlyMap<string, Known>;
  readonly append: (body: EntryBody) => Promise<unknown>;
}

/** Sends these blobs once more, as far as a file still has their bytes. */
export async function resendBlobs(blobs: readonly string[], context: ResendContext): Promise<void> {
  const holders = new Map<string, Known>();
  for (const one of context.known.values()) if (one.entry.sha256 !== undefined) holders.set(one.entry.sha256, one);
  for (const sha256 of blobs) {
    const holder = holders.get(sha256);
    if (holder !== undefined) await resend(sha256, holder, context);
  }
}

async function resend(sha256: string, { entry, identity }: Known, context: ResendContext): Promise<void> {
  const { root, spoolFile, append } = context;
  try {
    const snapshot = await takeSnapshot({ file: `${root}/${entry.path}`, identity, spoolFile });
    if (snapshot === null) return;
    try {
      if (snapshot.sha256 !== sha256) return;
      for await (const { offset, data } of snapshot.chunks()) {
        await append({ kind: "blob", sha256, offset, total: snapshot.size, data: data.toString("base64") });
      }
    } finally {
      await snapshot.close();
    }
  } catch (error) {
    // Changed since it was looked at: the next scan tells what it is.
    if (!hasCode(error, "ENOENT", "ELOOP", "ENOTDIR", "ENXIO", "EACCES", "EPERM")) throw error;
  }
}

/** A page of what is known, by path, after a path. */
export function listKnown(known: ReadonlyMap<string, Known>, after: string | undefined): FileList {
  const paths = [...known.keys()].filter((path) => after === undefined || path > after).toSorted();
  const files: FileEntry[] = [];
  let chars = 0;
  for (const path of paths) {
    const entry = known.get(path)?.entry;
    if (entry === undefined) continue;
    chars += JSON.stringify(entry).length;
    if (files.length > 0 && chars > PAGE_CHARS) break;
    files.push(entry);
  }
  return { files, more: files.length < paths.length };
}
