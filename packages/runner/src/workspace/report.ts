import { Timestamp } from "@hhopkins/agent-runtime-protocol";
import type { EntryBody, FileEntry } from "@hhopkins/agent-runtime-protocol";
import type { Known } from "./changes.ts";
import type { Identity, Seen } from "./scan.ts";
import { takeSnapshot } from "./snapshot.ts";
import type { Snapshot } from "./snapshot.ts";

export interface ReportContext {
  readonly root: string;
  readonly maxFileBytes: number;
  /** Where a large file's copy may lie for a moment. */
  readonly spoolFile: string;
  /** Blobs that the server has from this sandbox, or gave to it. */
  readonly sent: Set<string>;
  /** Sends contents as blobs only. */
  readonly blobsOnly: boolean;
  readonly append: (body: EntryBody) => Promise<unknown>;
}

export interface ChangedEntry {
  readonly path: string;
  readonly seen: Seen;
  readonly before: Known | undefined;
}

/** Time stamps of files come from the kernel's clock tick, which is a few milliseconds long. */
const CLOCK_TICK_NS = 20_000_000n;

/** Appends what the server must know of a changed entry; null: it changed again while it was read. */
export async function reportChange(change: ChangedEntry, context: ReportContext): Promise<Known | null> {
  const { path, seen } = change;
  const { identity } = seen;
  if (seen.type === "symlink") {
    return told(change, { file: { path, type: "symlink", target: seen.target } }, context);
  }
  if (seen.type === "directory") {
    return told(change, { file: { path, type: "directory", mode: identity.mode } }, context);
  }
  try {
    return identity.size > context.maxFileBytes
      ? await reportLarge(change, context)
      : await reportFile(change, context);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // Gone, or another kind of entry by now: the next scan sees what it is.
    if (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR" || code === "ENXIO") return null;
    if (code === "EACCES" || code === "EPERM") return reportUnreadable(change, context);
    throw error;
  }
}

async function reportFile(change: ChangedEntry, context: ReportContext): Promise<Known | null> {
  const { path, seen, before } = change;
  const { identity } = seen;
  const snapshot = await takeSnapshot({ file: `${context.root}/${path}`, identity, spoolFile: context.spoolFile });
  if (snapshot === null) return null;
  try {
    const { sha256 } = snapshot;
    const sameBytes = before !== undefined && !before.omitted && before.entry.sha256 === sha256;
    if (sameBytes && before.entry.type !== "symlink" && before.identity.mode === identity.mode) {
      // Touched, or written with the same bytes: nothing that the server would keep.
      return { ...before, identity, fresh: isFresh(identity) };
    }
    const file = describeFile(path, identity, sha256);
    const content = context.blobsOnly && snapshot.size > 0 ? undefined : snapshot.text;
    if (content === undefined) await sendBlob(snapshot, context);
    return await told(change, { file, ...(content === undefined ? {} : { content }) }, context);
  } finally {
    await snapshot.close();
  }
}

async function sendBlob(snapshot: Snapshot, { sent, append }: ReportContext): Promise<void> {
  const { sha256, size: total } = snapshot;
  if (sent.has(sha256)) return;
  for await (const { offset, data } of snapshot.chunks()) {
    await append({ kind: "blob", sha256, offset, total, data: data.toString("base64") });
  }
  sent.add(sha256);
}

/** Its bytes are not kept, so nothing may claim to know them: no hash. */
function reportLarge(change: ChangedEntry, context: ReportContext): Promise<Known> {
  return told(change, { file: describeFile(change.path, change.seen.identity, undefined), omitted: true }, context);
}

/** The agent may take away its own right to read: what was read before still holds. */
async function reportUnreadable(change: ChangedEntry, context: ReportContext): Promise<Known> {
  const { path, seen, before } = change;
  const { identity } = seen;
  const holds =
    before !== undefined &&
    !before.omitted &&
    before.entry.sha256 !== undefined &&
    sameBytesLikely(before.identity, identity);
  const file = describeFile(path, identity, holds ? before.entry.sha256 : undefined);
  return told(change, holds ? { file } : { file, omitted: true }, context);
}

async function told(
  { seen, before }: ChangedEntry,
  what: { file: FileEntry; content?: string; omitted?: true },
  { append }: ReportContext,
): Promise<Known> {
  const { file, content, omitted } = what;
  await append({
    kind: "file:changed",
    change: before === undefined ? "created" : "modified",
    file: content === undefined ? file : { ...file, content },
    ...(omitted === undefined ? {} : { omitted }),
  });
  const { identity } = seen;
  return {
    entry: file,
    identity,
    omitted: omitted === true,
    fresh: seen.type === "file" && omitted !== true && isFresh(identity),
  };
}

function describeFile(path: string, identity: Identity, sha256: string | undefined): FileEntry {
  const modifiedAt = timestampOf(identity.mtimeNs);
  return {
    path,
    type: "file",
    mode: identity.mode,
    size: Number(identity.size),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  };
}

/** A file's time can be anything that the agent sets; undefined where it has no form in our log. */
function timestampOf(mtimeNs: bigint): string | undefined {
  const date = new Date(Number(mtimeNs / 1_000_000n));
  if (Number.isNaN(date.getTime())) return undefined;
  const text = date.toISOString();
  return Timestamp.safeParse(text).success ? text : undefined;
}

function isFresh(identity: Identity): boolean {
  const age = BigInt(Date.now()) * 1_000_000n - identity.ctimeNs;
  return age < CLOCK_TICK_NS && age > -CLOCK_TICK_NS;
}

/** A change of the mode alone. */
function sameBytesLikely(a: Identity, b: Identity): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.ino === b.ino;
}
