import {
  RuntimeError,
  toRuntimeError,
  type FileEntry,
  type SessionEvent,
  type WorkspaceFile,
} from "@hhopkins/agent-runtime-protocol";
import { byPath } from "./file-order.ts";
import { eventsBetween } from "./session-history.ts";
import type { Checkpoint, SessionKey, SessionStore } from "./session-store.ts";

/** The number of an event; or `start`: the first checkpoint, as the session was made, or came by fork or import. */
export type FilesPlace = number | "start";

type Reads = Pick<SessionStore, "events" | "checkpoints" | "filesAt">;

const PAGE_CHECKPOINTS = 200;
/** What makes up the beginning of a log. */
const BEGINNING: ReadonlySet<SessionEvent["type"]> = new Set(["session:created", "session:file:created"]);

/**
 * The workspace's files as the log has them after an event: those of the last checkpoint before it, and what was told since.
 * A store that keeps no checkpoints has its log. Throws `invalid_request` where the log ends before.
 */
export async function filesAsOf(
  store: Reads,
  key: SessionKey,
  { seq, lastSeq }: { seq: FilesPlace; lastSeq: number },
): Promise<readonly FileEntry[]> {
  if (seq === "start") {
    const first = await firstCheckpoint(store, key);
    return first === undefined ? beginning(store, key, lastSeq) : store.filesAt(key, first.seq);
  }
  if (seq > lastSeq)
    throw new RuntimeError("invalid_request", `query.seq: the log ends at ${lastSeq}; name an event up to there.`, {
      field: "query.seq",
    });
  const [last] = await checkpoints(store, key, { before: seq + 1, limit: 1 });
  const files = new Map<string, FileEntry>();
  if (last !== undefined) for (const file of await store.filesAt(key, last.seq)) files.set(file.path, file);
  for await (const event of eventsBetween(store, key, { after: last?.seq ?? 0, upTo: seq })) applyTo(files, event);
  return [...files.values()].sort(byPath);
}

/** Nothing where the store keeps none. */
async function checkpoints(...[store, key, page]: [Reads, SessionKey, { before?: number; limit: number }]) {
  try {
    return await store.checkpoints(key, page);
  } catch (error) {
    if (toRuntimeError(error).code === "not_supported") return [];
    throw error;
  }
}

async function firstCheckpoint(store: Reads, key: SessionKey): Promise<Checkpoint | undefined> {
  let first: Checkpoint | undefined;
  for (;;) {
    const before = first === undefined ? {} : { before: first.seq };
    const page = await checkpoints(store, key, { limit: PAGE_CHECKPOINTS, ...before });
    first = page.at(-1) ?? first;
    if (page.length < PAGE_CHECKPOINTS) return first;
  }
}

async function beginning(store: Reads, key: SessionKey, lastSeq: number): Promise<readonly FileEntry[]> {
  const files = new Map<string, FileEntry>();
  for await (const event of eventsBetween(store, key, { after: 0, upTo: lastSeq })) {
    if (!BEGINNING.has(event.type)) break;
    applyTo(files, event);
  }
  return [...files.values()].sort(byPath);
}

function applyTo(files: Map<string, FileEntry>, event: SessionEvent): void {
  if (event.type === "session:file:deleted") files.delete(event.data.path);
  if (event.type === "session:file:created" || event.type === "session:file:modified")
    files.set(event.data.file.path, entryOf(event.data.file));
}

/** What is known of a file beside its content. */
export function entryOf({
  content: _content,
  encoding: _encoding,
  truncated: _truncated,
  ...entry
}: WorkspaceFile): FileEntry {
  return entry;
}
