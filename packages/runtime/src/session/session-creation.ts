import {
  Architecture,
  initialState,
  INLINE_FILE_BYTES,
  reduceAll,
  RuntimeError,
  SESSION_START,
  type AgentProfile,
  type CreateSessionBody,
  type EventDraft,
  type FileEntry,
  type PersistedSessionListData,
  type SessionState,
  type WorkspaceFileInput,
} from "@hhopkins/agent-runtime-protocol";
import { isUtf8 } from "node:buffer";
import { numbered } from "../log/session-log.ts";
import type { AppendBatch } from "../persistence/session-store.ts";
import { eventFile } from "../persistence/file-changes.ts";
import { sha256 } from "./entry-translation.ts";
import { pinOf } from "./pinned-profile.ts";
import type { SessionParts } from "./session-parts.ts";

export interface NewSession {
  readonly record: PersistedSessionListData;
  readonly logId: string;
  readonly profile: AgentProfile;
  readonly state: SessionState;
  readonly first: Omit<AppendBatch, "tenant" | "sessionId" | "expectedSeq">;
}

/** Checks a request for a session and makes its record and the first events of its log. No sandbox work. */
export async function newSession(parts: SessionParts, body: CreateSessionBody): Promise<NewSession> {
  const architecture = knownArchitecture(body.architecture);
  const profile = await knownProfile(parts, body.agentProfileRef);
  const now = parts.now().toISOString();
  const record: PersistedSessionListData = {
    sessionId: parts.newId(),
    type: architecture,
    agentProfileReference: profile.id,
    ...(body.name === undefined ? {} : { name: body.name }),
    createdAt: now,
    ...(body.sessionOptions === undefined ? {} : { sessionOptions: body.sessionOptions }),
    ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
  };
  const { sessionId } = record;
  const files = defaultFiles(profile, body).map((file) => storedFile(file, now));
  const { profileVersion, blob } = pinOf(profile);
  const drafts: EventDraft[] = [
    { type: "session:created", data: { sessionId, session: record, profileVersion } },
    ...files.map(({ event }): EventDraft => ({ type: "session:file:created", data: { sessionId, file: event } })),
  ];
  const events = drafts.map((draft, index) => numbered(draft, { seq: index + 1, at: now }).event);
  const logId = parts.newId();
  return {
    record,
    logId,
    profile,
    state: reduceAll(initialState(sessionId, logId), events),
    first: {
      events,
      checkpoint: { turnId: SESSION_START },
      files: { put: files.map(({ entry }) => entry), deleted: [] },
      blobs: [
        blob,
        ...files.map(({ entry, bytes }) => ({ sha256: entry.sha256, offset: 0, total: bytes.length, bytes })),
      ],
    },
  };
}

function knownArchitecture(name: string): Architecture {
  const parsed = Architecture.safeParse(name);
  if (parsed.success) return parsed.data;
  const known = Architecture.options.join(", ");
  throw new RuntimeError("unknown_architecture", `There is no architecture ${name}. Known: ${known}.`, {
    field: "body.architecture",
  });
}

async function knownProfile(parts: SessionParts, id: string): Promise<AgentProfile> {
  const profiles = await parts.profiles.listAgentProfiles();
  const profile = profiles.some((known) => known.id === id) ? await parts.profiles.loadAgentProfile(id) : null;
  if (profile !== null) return profile;
  const known = profiles.map((item) => item.id).join(", ");
  throw new RuntimeError("unknown_profile", `There is no agent profile ${id}. Known: ${known}.`, {
    field: "body.agentProfileRef",
  });
}

/** The profile's files, and the request's, which win. */
function defaultFiles(profile: AgentProfile, body: CreateSessionBody): WorkspaceFileInput[] {
  const given = (body.defaultWorkspaceFiles ?? []).map(({ path }) => path);
  const twice = given.find((path, index) => given.indexOf(path) !== index);
  if (twice !== undefined) {
    throw new RuntimeError("invalid_request", `${twice} stands there twice.`, { field: "body.defaultWorkspaceFiles" });
  }
  const files = new Map<string, WorkspaceFileInput>();
  for (const file of [...(profile.defaultWorkspaceFiles ?? []), ...(body.defaultWorkspaceFiles ?? [])]) {
    files.set(file.path, file);
  }
  for (const path of files.keys()) {
    const above = path
      .split("/")
      .slice(0, -1)
      .map((_part, index, parts) => parts.slice(0, index + 1).join("/"));
    const file = above.find((folder) => files.has(folder));
    if (file === undefined) continue;
    throw new RuntimeError("invalid_request", `${file} cannot be both a file and the folder of ${path}.`, {
      field: "body.defaultWorkspaceFiles",
    });
  }
  return [...files.values()];
}

function storedFile(
  file: WorkspaceFileInput,
  now: string,
): { entry: FileEntry & { sha256: string }; bytes: Buffer; event: ReturnType<typeof eventFile> } {
  const bytes = decoded(file);
  const entry = {
    path: file.path,
    type: "file" as const,
    mode: file.mode ?? 0o644,
    size: bytes.length,
    sha256: sha256(bytes),
    createdAt: now,
    modifiedAt: now,
  };
  const inline = bytes.length <= INLINE_FILE_BYTES && isUtf8(bytes) ? bytes.toString("utf8") : undefined;
  return { entry, bytes, event: eventFile(entry, inline) };
}

function decoded(file: WorkspaceFileInput): Buffer {
  if (file.encoding !== "base64") return Buffer.from(file.content, "utf8");
  const bytes = Buffer.from(file.content, "base64");
  // Node skips what is not base64; a file that lost bytes that way must be refused, not written.
  if (bytes.toString("base64").replace(/=+$/, "") === file.content.replace(/=+$/, "")) return bytes;
  throw new RuntimeError("invalid_request", `The content of ${file.path} is not valid base64.`, {
    field: "body.defaultWorkspaceFiles",
  });
}
