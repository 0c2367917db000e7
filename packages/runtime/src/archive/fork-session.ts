import {
  RuntimeError,
  SESSION_START,
  type ForkSessionBody,
  type PersistedSessionListData,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { collectBytes } from "../persistence/blob-bytes.ts";
import { checkpointOf, eventsBetween, stateAt, turnsOf } from "../persistence/session-history.ts";
import type { Checkpoint, SessionHead, SessionKey } from "../persistence/session-store.ts";
import { copiedTranscript } from "../persistence/transcript-copy.ts";
import { pinOf, profileOf, type ProfilePin } from "../session/pinned-profile.ts";
import type { SessionParts } from "../session/session-parts.ts";
import { ImportWriter, type ImportParts } from "./import-writer.ts";

/** What the fork has of its own: its options stand in its record, and it has used nothing yet. */
const NOT_COPIED: ReadonlySet<SessionEvent["type"]> = new Set([
  "session:status",
  "session:options:update",
  "session:profile:update",
  "session:metadata:update",
]);

/** Of no bytes. */
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export type ForkParts = ImportParts & Pick<SessionParts, "profiles" | "log">;

interface Origin {
  readonly key: SessionKey;
  readonly head: SessionHead;
  readonly checkpoint: Checkpoint;
  /** At the checkpoint. */
  readonly state: SessionState;
}

/**
 * Makes a session that goes on from the end of a turn of another one: its log up to there, numbered anew, its harness's
 * transcript, the workspace as its checkpoint has it, and the profile and options that it had then. The other one is only
 * read, wherever it runs. Rejects with `session_not_found`, `turn_not_found`, `conflict` (the turn runs, or is without a
 * checkpoint) and `not_supported` (the store keeps none).
 */
export async function forkSession(parts: ForkParts, key: SessionKey, body: ForkSessionBody): Promise<SessionState> {
  const origin = await originOf(parts, key, body.turnId);
  const record = recordOf(parts, origin.state, body);
  const forkKey = { tenant: key.tenant, sessionId: record.sessionId };
  const { seq, turnId } = origin.checkpoint;
  const forkedFrom = { sessionId: key.sessionId, turnId, seq };
  const writer = new ImportWriter(parts, forkKey, { record, pin: await pinThen(parts, origin), forkedFrom });
  try {
    return await copy(parts, origin, writer);
  } catch (error) {
    if (writer.isCreated) await parts.store.delete(forkKey).catch(() => undefined);
    throw error;
  }
}

async function originOf({ store }: ForkParts, key: SessionKey, wanted: string | undefined): Promise<Origin> {
  const head = await store.head(key);
  if (head === null) throw new RuntimeError("session_not_found", `There is no session ${key.sessionId}.`);
  const { lastSeq, logId } = head;
  const turnId = wanted ?? (await turnsOf(store, key, lastSeq)).ended.at(-1) ?? SESSION_START;
  const checkpoint = await checkpointOf(store, key, { turnId, lastSeq });
  return { key, head, checkpoint, state: await stateAt(store, key, { logId, seq: checkpoint.seq }) };
}

function recordOf(parts: ForkParts, then: SessionState, body: ForkSessionBody): PersistedSessionListData {
  const { type, agentProfileReference } = then;
  const name = body.name ?? then.name;
  const metadata = body.metadata ?? then.metadata;
  const sessionOptions = { ...then.sessionOptions, ...body.sessionOptions };
  return {
    sessionId: parts.newId(),
    type,
    agentProfileReference,
    ...(name === undefined ? {} : { name }),
    createdAt: parts.now().toISOString(),
    ...(Object.keys(sessionOptions).length === 0 ? {} : { sessionOptions }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** The content of its profile that the session kept to then. */
async function pinThen(parts: ForkParts, { key, state }: Origin): Promise<ProfilePin> {
  const { profileVersion } = state;
  const bytes = profileVersion === undefined ? undefined : await collectBytes(parts.store.blob(key, profileVersion));
  if (profileVersion === undefined || bytes === undefined || bytes.byteLength === 0)
    return pinOf(await profileOf(parts, { key, state: () => state }));
  return { profileVersion, blob: { sha256: profileVersion, offset: 0, total: bytes.byteLength, bytes } };
}

async function copy(parts: ForkParts, origin: Origin, writer: ImportWriter): Promise<SessionState> {
  const { key, head, checkpoint, state } = origin;
  const { store } = parts;
  const attached = new Set<string>();
  const isOfWhole = (event: SessionEvent): boolean =>
    event.type === "session:block:delta" && !state.streamingBlockIds.includes(event.data.blockId);
  for await (const event of eventsBetween(store, key, { after: 0, upTo: checkpoint.seq })) {
    if (NOT_COPIED.has(event.type) || isOfWhole(event)) continue;
    await writer.event(event);
    if (event.type === "session:message:queued")
      for (const { sha256 } of event.data.attachments ?? []) attached.add(sha256);
  }
  const nativeSessionId = parts.newId();
  let isBegun = false;
  const about = { checkpoint, lastSeq: head.lastSeq, nativeSessionId };
  for await (const piece of copiedTranscript(store, key, about)) {
    isBegun = true;
    for (const line of piece.lines) await writer.transcript(piece.key, line);
  }
  const files = await store.filesAt(key, checkpoint.seq);
  for (const file of files) writer.file(file);
  const inFiles = files.flatMap(({ sha256 }) => (sha256 === undefined ? [] : [sha256]));
  for (const sha256 of new Set([...attached, ...inFiles])) await copyBlob(parts, key, { sha256, writer });
  return writer.end(isBegun ? nativeSessionId : null);
}

/** Bytes that are not there stay away: the fork's files name them as the other session's do. */
async function copyBlob(
  { store }: ForkParts,
  key: SessionKey,
  { sha256, writer }: { sha256: string; writer: ImportWriter },
): Promise<void> {
  const total = await store.blobSize(key, sha256);
  let offset = 0;
  for await (const bytes of store.blob(key, sha256)) {
    await writer.blob({ sha256, offset, total, bytes });
    offset += bytes.byteLength;
  }
  if (sha256 === EMPTY) await writer.blob({ sha256, offset: 0, total: 0, bytes: new Uint8Array() });
}
