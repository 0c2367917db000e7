import { RuntimeError, type FileEntry } from "@hhopkins/agent-runtime-protocol";
import { filesAsOf, type FilesPlace } from "../persistence/files-as-of.ts";
import type { SessionHead, SessionKey, SessionStore } from "../persistence/session-store.ts";

interface FilesReader {
  readonly store: SessionStore;
  readonly key: SessionKey;
  readonly head: Pick<SessionHead, "lastSeq">;
}

/** The workspace's files as the store has them, or as the log has them after an event. */
export function filesOf({ store, key, head }: FilesReader, seq: FilesPlace | undefined): Promise<readonly FileEntry[]> {
  return seq === undefined ? store.files(key) : filesAsOf(store, key, { seq, lastSeq: head.lastSeq });
}

/**
 * One of them, with its bytes. Throws `file_not_found` where there is none, or it has no bytes by its nature; `file_not_kept`
 * where its bytes are not in the store.
 */
export async function keptFile(
  reader: FilesReader,
  { path, seq }: { path: string; seq?: FilesPlace | undefined },
): Promise<{ entry: FileEntry; bytes: AsyncIterable<Uint8Array> }> {
  const { store, key } = reader;
  const entry = (await filesOf(reader, seq)).find((file) => file.path === path);
  const then = seq === undefined ? "" : seq === "start" ? " at the start" : ` at event ${seq}`;
  if (entry === undefined)
    throw new RuntimeError("file_not_found", `There is no file ${path} in the workspace${then}.`);
  const { sha256, type = "file", size = 0 } = entry;
  if (sha256 === undefined)
    throw new RuntimeError(
      "file_not_found",
      `${path} has no bytes here: it is a ${type}, or larger than what is kept.`,
    );
  if ((await store.blobSize(key, sha256)) < size) {
    const message = `The bytes that ${path} had${then} are not kept: its store keeps no earlier versions, or the session came by a fork or an import.`;
    throw new RuntimeError("file_not_kept", message);
  }
  return { entry, bytes: store.blob(key, sha256) };
}
