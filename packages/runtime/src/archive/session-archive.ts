import { RuntimeError, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { once } from "node:events";
import { createGzip } from "node:zlib";
import { logLines } from "../persistence/packed-transcript.ts";
import { lineOf } from "../persistence/session-lines.ts";
import { messageAttachments } from "./message-attachments.ts";
import { profileVersionOf } from "./archived-profile.ts";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";

/**
 * A session as one portable archive: gzipped lines of JSON with its record, its log, its harness's transcript and the
 * workspace's files as they are now, and the content of its profile, ending with a count of the lines. It holds no credential and nothing of its sandbox.
 * Checkpoints of earlier turns are not in it. Rejects with `session_not_found` when it is first read.
 */
export async function* sessionArchive(store: SessionStore, key: SessionKey): AsyncGenerator<Uint8Array> {
  const gzip = createGzip();
  const writing = writeLines(gzip, archiveLines(store, key));
  writing.catch((error: unknown) => gzip.destroy(error instanceof Error ? error : new Error(String(error))));
  try {
    for await (const bytes of gzip) yield bytes as Uint8Array;
    await writing;
  } finally {
    gzip.destroy();
  }
}

async function writeLines(gzip: ReturnType<typeof createGzip>, lines: AsyncIterable<string>): Promise<void> {
  for await (const line of lines) {
    if (gzip.destroyed) return;
    if (!gzip.write(line)) await Promise.race([once(gzip, "drain"), once(gzip, "close")]);
  }
  gzip.end();
}

async function* archiveLines(store: SessionStore, key: SessionKey): AsyncGenerator<string> {
  const head = await store.head(key);
  if (head === null) throw new RuntimeError("session_not_found", `There is no session ${key.sessionId}.`);
  const { record, logId, nativeSessionId } = head;
  yield lineOf.header({ record, logId, closed: true, nativeSessionId });
  let lines = 1;
  for await (const some of contentLines(store, key)) {
    lines += countOf(some);
    yield some;
  }
  yield lineOf.end(lines);
}

async function* contentLines(store: SessionStore, key: SessionKey): AsyncGenerator<string> {
  let profileVersion: string | undefined;
  for await (const line of logLines(store, key)) {
    profileVersion = versionIn(line) ?? profileVersion;
    yield line;
  }
  const written = new Set<string>();
  for await (const { sha256 } of messageAttachments(store, key)) {
    if (!written.has(sha256)) yield* blobLines(store, key, sha256);
    written.add(sha256);
  }
  for (const file of await store.files(key)) {
    const { sha256 } = file;
    if (sha256 !== undefined && !written.has(sha256)) {
      written.add(sha256);
      yield* blobLines(store, key, sha256);
      if (file.size === 0) yield lineOf.blob({ sha256, offset: 0, total: 0, bytes: new Uint8Array() });
    }
    yield lineOf.file(file);
  }
  if (profileVersion !== undefined && !written.has(profileVersion)) yield* blobLines(store, key, profileVersion);
}

async function* blobLines(store: SessionStore, key: SessionKey, sha256: string): AsyncGenerator<string> {
  const total = await store.blobSize(key, sha256);
  let offset = 0;
  for await (const bytes of store.blob(key, sha256)) {
    yield lineOf.blob({ sha256, offset, total, bytes });
    offset += bytes.byteLength;
  }
}

/** The profile's version that an event moves the session to. */
function versionIn(line: string): string | undefined {
  if (!line.includes('"profileVersion":"')) return undefined;
  const { event } = JSON.parse(line) as { event?: SessionEvent };
  return event === undefined ? undefined : profileVersionOf(event);
}

function countOf(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
