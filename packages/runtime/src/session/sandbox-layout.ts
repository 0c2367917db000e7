/** Puts a session's files and transcript into a new sandbox and starts the harness there. */
import {
  BLOB_CHUNK_BYTES,
  RuntimeError,
  type AgentProfile,
  type CommandBody,
  type FileEntry,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import { rootOf } from "../persistence/transcript-copy.ts";
import { isIntact } from "./blob-check.ts";
import type { HostToolbox } from "../host-tools/index.ts";
import type { RunnerLink } from "./runner-link.ts";
import type { SessionLimits } from "./session-parts.ts";

/** Commands under way at once: enough to hide the round trip, few enough to bound memory (256 KB each). */
const WINDOW = 16;
/** Characters of transcript lines in one command. */
const TRANSCRIPT_CHARS = 512 * 1024;

export interface Layout {
  readonly key: SessionKey;
  readonly store: Pick<SessionStore, "files" | "blob" | "transcript">;
  readonly link: RunnerLink;
  readonly state: SessionState;
  readonly profile: AgentProfile;
  /** The native session to resume, or null for a new conversation. */
  readonly nativeSessionId: string | null;
  readonly limits: SessionLimits;
  readonly hostTools: HostToolbox;
  /** Hashes of blobs that were read back and found right; grows. */
  readonly intact: Set<string>;
  readonly signal: AbortSignal;
}

/**
 * Answers the files that could not be put, because the store has not their bytes, or wrong ones. Ids of the commands
 * say which file and which piece of it they bring, so after a server's crash the same commands come again under the
 * same ids and the runner takes each once.
 */
export async function layOutSandbox(layout: Layout): Promise<FileEntry[]> {
  const pending = new Set<Promise<unknown>>();
  const missing: FileEntry[] = [];
  async function send(name: string, body: CommandBody): Promise<void> {
    layout.signal.throwIfAborted();
    const reply = layout.link.command(`layout:${name}`, body).finally(() => pending.delete(reply));
    pending.add(reply);
    if (pending.size >= WINDOW) await Promise.race(pending);
  }
  try {
    for (const [index, file] of (await layout.store.files(layout.key)).entries()) {
      if (await isThere(layout, file)) {
        let piece = 0;
        for await (const body of fileCommands(layout, file)) await send(`${index}:${piece++}`, body);
      } else missing.push(file);
    }
    let page = 0;
    for await (const body of transcriptCommands(layout)) await send(`transcript:${page++}`, body);
    await Promise.all(pending);
  } finally {
    await Promise.allSettled(pending);
  }
  await layout.link.command("start", startCommand(layout));
  return missing;
}

/** Whether the store has the right bytes of a file. What has no bytes is there. */
async function isThere({ store, key, intact }: Layout, { sha256 }: FileEntry): Promise<boolean> {
  if (sha256 === undefined || intact.has(sha256)) return true;
  // Twice: a file is given up for good.
  const right = (await isIntact(store, key, sha256)) || (await isIntact(store, key, sha256));
  if (right) intact.add(sha256);
  return right;
}

async function* fileCommands(layout: Layout, file: FileEntry): AsyncGenerator<CommandBody> {
  if ((file.type ?? "file") !== "file") yield { kind: "file:put", file, offset: 0, data: "", last: true };
  else for await (const piece of filePieces(layout, file)) yield { kind: "file:put", ...piece };
}

/** A file's bytes as commands carry them; none where it is not known what they are. */
export async function* filePieces(
  { store, key }: Pick<Layout, "key"> & { store: Pick<SessionStore, "blob"> },
  file: FileEntry,
): AsyncGenerator<{ file: FileEntry; offset: number; data: string; last: boolean }> {
  const { size = 0, sha256 } = file;
  if (sha256 === undefined) return;
  let offset = 0;
  for await (const bytes of store.blob(key, sha256)) {
    for (let at = 0; at < bytes.length; at += BLOB_CHUNK_BYTES) {
      const chunk = bytes.subarray(at, at + BLOB_CHUNK_BYTES);
      const data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString("base64");
      yield { file, offset, data, last: offset + chunk.length === size };
      offset += chunk.length;
    }
  }
  if (size === 0) yield { file, offset: 0, data: "", last: true };
  else if (offset !== size)
    throw new RuntimeError("persistence_unavailable", `The bytes of ${file.path} are not in the store.`);
}

async function* transcriptCommands(layout: Layout): AsyncGenerator<CommandBody> {
  if (layout.nativeSessionId === null) return;
  for await (const { key, lines } of layout.store.transcript(layout.key)) {
    // A session that went back has what it had before, too.
    if (rootOf(key) !== layout.nativeSessionId) continue;
    let page: string[] = [];
    let chars = 0;
    for (const line of lines) {
      if (page.length > 0 && chars + line.length > TRANSCRIPT_CHARS) {
        yield { kind: "transcript:put", key, lines: page };
        page = [];
        chars = 0;
      }
      page.push(line);
      chars += line.length;
    }
    if (page.length > 0) yield { kind: "transcript:put", key, lines: page };
  }
}

function startCommand(layout: Layout): CommandBody {
  const { state, limits, nativeSessionId } = layout;
  // Its files are in the workspace already, and a command has a bounded size.
  const { defaultWorkspaceFiles: _files, ...profile } = layout.profile;
  return {
    kind: "start",
    architecture: state.type,
    profile,
    options: state.sessionOptions ?? {},
    ...(state.allowedTools === undefined ? {} : { allowedTools: [...state.allowedTools] }),
    ...(nativeSessionId === null ? {} : { resume: nativeSessionId }),
    hostTools: layout.hostTools.offered(layout.profile),
    hostToolTimeoutMs: layout.hostTools.timeoutMs,
    environment: publicVariables(layout.profile),
    ignore: [...limits.ignore],
    maxFileBytes: limits.maxFileBytes,
  };
}

/** Secrets are put in by the gateway, never here. */
function publicVariables(profile: AgentProfile): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(profile.environmentVariables ?? {})) {
    if (typeof value === "string") variables[name] = value;
  }
  return variables;
}
