import { createHash, randomUUID } from "node:crypto";
import {
  AgentProfile,
  fromZodError,
  PersistedSessionListData,
  RuntimeError,
  WorkspaceFile,
  type PersistedSessionData,
  type SessionEvent,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import { collectBytes } from "./blob-bytes.ts";
import { contentOf, decodeContent } from "./file-content.ts";
import { packTranscript } from "./packed-transcript.ts";
import type { PersistenceAdapter } from "./port.ts";
import type { AppendBatch, SessionKey, SessionStore } from "./session-store.ts";
import { noSession } from "./store-errors.ts";

/** Texts that were given to `saveTranscript`, one a session. */
export interface RawTranscripts {
  /** Rejects with `session_not_found`. */
  save(key: SessionKey, text: string): Promise<void>;
  /** With the log's last seq when it was saved. */
  load(key: SessionKey): Promise<{ text: string; seq: number } | null>;
}

export interface NineMethodsParts {
  readonly store: SessionStore;
  readonly rawTranscripts: RawTranscripts;
  readonly profiles: readonly AgentProfile[];
}

export type NineMethods = Omit<PersistenceAdapter, "store" | "open" | "close">;

/** The tenant of whoever knows of none. */
export const DEFAULT_TENANT = "default";

const LIST_PAGE = 500;
const APPEND_ATTEMPTS = 20;

const keyOf = (sessionId: string): SessionKey => ({ tenant: DEFAULT_TENANT, sessionId });

/** The nine methods on top of a store, for the tenant `default`. */
export function nineMethods({ store, rawTranscripts, profiles }: NineMethodsParts): NineMethods {
  return {
    listAllSessions: () => listAll(store),
    loadSession: (sessionId) => load(store, rawTranscripts, keyOf(sessionId)),
    createSessionRecord: async (session) => {
      const record = checked(PersistedSessionListData, session, "session");
      const { sessionId } = record;
      const created: SessionEvent = {
        seq: 1,
        at: record.createdAt,
        type: "session:created",
        data: { sessionId, session: record },
      };
      await store.create({ ...keyOf(sessionId), record, logId: randomUUID(), first: { events: [created] } });
    },
    updateSessionRecord: (sessionId, record) => change(store, keyOf(sessionId), { record }),
    saveTranscript: (sessionId, rawTranscript) => rawTranscripts.save(keyOf(sessionId), rawTranscript),
    saveWorkspaceFile: (sessionId, file) => saveFile(store, keyOf(sessionId), checked(WorkspaceFile, file, "file")),
    deleteSessionFile: (sessionId, path) => change(store, keyOf(sessionId), { files: { put: [], deleted: [path] } }),
    listAgentProfiles: async () =>
      profiles.map(({ id, name, description }) => ({
        id,
        name,
        ...(description === undefined ? {} : { description }),
      })),
    loadAgentProfile: async (id) => {
      const profile = profiles.find((known) => known.id === id);
      return profile === undefined ? null : structuredClone(profile);
    },
  };
}

/** Checks the profiles that an adapter is configured with. Throws `invalid_configuration` that names the field. */
export function checkedProfiles(profiles: readonly AgentProfile[]): AgentProfile[] {
  const result = z.array(AgentProfile).safeParse(profiles);
  if (!result.success) throw fromZodError(result.error, "profiles", "invalid_configuration");
  const twice = result.data.find((one, index) => result.data.findIndex((other) => other.id === one.id) !== index);
  if (twice !== undefined) throw new RuntimeError("invalid_configuration", `profiles: two have the id ${twice.id}`);
  return result.data;
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (!result.success) throw fromZodError(result.error, where);
  return result.data;
}

async function listAll(store: SessionStore): Promise<PersistedSessionListData[]> {
  const all: PersistedSessionListData[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({
      tenant: DEFAULT_TENANT,
      limit: LIST_PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { runtime: _r, activity: _a, sessionMetadata: _m, ...record } of page.sessions) all.push(record);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return all;
}

async function load(
  store: SessionStore,
  rawTranscripts: RawTranscripts,
  key: SessionKey,
): Promise<PersistedSessionData | null> {
  const head = await store.head(key);
  if (head === null) return null;
  const saved = await rawTranscripts.load(key);
  // What was saved is what there is to give back, until the log says more than it did then.
  const rawTranscript = saved?.seq === head.lastSeq ? saved.text : await packTranscript(store, key);
  return { ...head.record, rawTranscript, workspaceFiles: await workspaceFiles(store, key) };
}

async function workspaceFiles(store: SessionStore, key: SessionKey): Promise<WorkspaceFile[]> {
  const files: WorkspaceFile[] = [];
  for (const entry of await store.files(key)) {
    if (entry.sha256 === undefined) {
      files.push(entry);
      continue;
    }
    const size = await store.blobSize(key, entry.sha256);
    const bytes = await collectBytes(store.blob(key, entry.sha256));
    const missing = bytes.byteLength === 0 && (entry.size ?? size) !== 0;
    files.push(missing ? { ...entry, truncated: true } : { ...entry, ...contentOf(bytes) });
  }
  return files;
}

async function saveFile(store: SessionStore, key: SessionKey, file: WorkspaceFile): Promise<void> {
  const { content, encoding, truncated: _truncated, ...entry } = file;
  if (content === undefined) return await change(store, key, { files: { put: [entry], deleted: [] } });
  const bytes = decodeContent(content, encoding);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await change(store, key, {
    blobs: [{ sha256, offset: 0, total: bytes.byteLength, bytes }],
    files: { put: [{ ...entry, size: bytes.byteLength, sha256 }], deleted: [] },
  });
}

type Change = Pick<AppendBatch, "record" | "files" | "blobs">;

/** Writes at the log's tail, wherever others have moved it. */
async function change(store: SessionStore, key: SessionKey, write: Change): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const head = await store.head(key);
    if (head === null) throw noSession(key.sessionId);
    const [failure] = await store.append([{ ...key, ...write, expectedSeq: head.lastSeq, events: [] }]);
    if (failure === null || failure === undefined) return;
    const moved = failure instanceof RuntimeError && failure.code === "sequence_conflict";
    if (!moved || attempt === APPEND_ATTEMPTS) throw failure;
  }
}
