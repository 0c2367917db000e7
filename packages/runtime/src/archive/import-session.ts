import {
  Architecture,
  DEFAULT_LIMITS,
  Id,
  RuntimeError,
  type AgentProfile,
  type PersistedSessionListData,
  type PersistenceAdapter,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { DEFAULT_TENANT } from "../auth/principal.ts";
import type { BoundSecrets } from "../gateway/port.ts";
import { refuseForeignPowers } from "../profiles/foreign-profile.ts";
import { pinOf } from "../session/pinned-profile.ts";
import { checkedArchive, type ArchiveHeader, type ImportSource } from "./archive-lines.ts";
import { spoolArchive, type ArchiveSpool } from "./archive-spool.ts";
import { claudeEvents } from "./claude-events.ts";
import { readClaudeTranscript } from "./claude-lines.ts";
import { ImportWriter, type ImportParts } from "./import-writer.ts";

export interface ImportOptions {
  /** Id of the new session; the one that it had where absent. */
  readonly sessionId?: string | undefined;
  /** Its profile here; the one that it had where absent (`default` for a transcript of Claude Code). */
  readonly agentProfileRef?: string | undefined;
  readonly name?: string | undefined;
  /** Of the archive, unpacked. 4 GiB where absent; more is refused with `payload_too_large`. */
  readonly maxBytes?: number | undefined;
}

export interface ImportTarget extends ImportParts {
  readonly tenant: string;
  readonly profiles: Pick<PersistenceAdapter, "listAgentProfiles" | "loadAgentProfile">;
  /** What a profile that comes in an archive may name. */
  readonly boundSecrets: BoundSecrets;
}

/**
 * Makes a session of an archive (`sessionArchive`), or of a transcript of Claude Code. It is read through and checked
 * before anything is written, and what could not be written whole is removed again. Its log is new: events are numbered
 * anew, a turn that ran is ended as `interrupted`, messages that waited are withdrawn. Rejects with `invalid_request`
 * (damaged; names the line), `payload_too_large`, `conflict` (the id is taken), `unknown_profile`, `invalid_profile` and `forbidden` (of the archive's own profile, where
 * it is not known here), `unknown_architecture`.
 */
export async function importInto(
  target: ImportTarget,
  archive: AsyncIterable<Uint8Array>,
  options: ImportOptions = {},
): Promise<SessionState> {
  await using spool = await spoolArchive(archive, options.maxBytes ?? DEFAULT_LIMITS.archiveBytes);
  const source = await sourceOf(spool);
  const record = recordFor(source.header, options);
  const profile = await profileFor(target, source, options);
  const key = { tenant: target.tenant, sessionId: record.sessionId };
  if ((await target.store.head(key)) !== null) throw taken(record.sessionId);
  const writer = new ImportWriter(target, key, { record, pin: pinOf(profile) });
  try {
    return await written(writer, source);
  } catch (error) {
    // Another one of the same id, begun meanwhile, is not ours to remove.
    if (writer.isCreated) await target.store.delete(key).catch(() => undefined);
    throw error;
  }
}

async function written(writer: ImportWriter, source: ImportSource): Promise<SessionState> {
  for await (const line of source.lines()) {
    if (line.kind === "event") await writer.event(line.event);
    if (line.kind === "transcript") await writer.transcript(line.key, line.line);
    if (line.kind === "blob") await writer.blob(line.chunk);
    if (line.kind === "file") writer.file(line.file);
  }
  return await writer.end(source.header.nativeSessionId ?? null);
}

async function sourceOf(spool: ArchiveSpool): Promise<ImportSource> {
  for await (const line of spool.lines())
    return line.startsWith('{"session":{') ? await checkedArchive(spool) : await claudeSource(spool);
  throw new RuntimeError("invalid_request", "body: is empty", { field: "body" });
}

async function claudeSource(spool: ArchiveSpool): Promise<ImportSource> {
  const transcript = await readClaudeTranscript(spool.lines());
  const { sessionId, title, messages, lines } = transcript;
  const [first, last] = [messages[0], messages.at(-1)];
  const record: ArchiveHeader["record"] = {
    sessionId,
    type: "claude-agent-sdk",
    agentProfileReference: "default",
    ...(title === undefined ? {} : { name: title }),
    createdAt: first?.timestamp ?? new Date(0).toISOString(),
    ...(last === undefined ? {} : { lastActivity: last.timestamp }),
  };
  return {
    header: { record, logId: sessionId, closed: true, nativeSessionId: sessionId },
    async *lines() {
      let seq = 0;
      for (const { draft, at } of claudeEvents(transcript, record))
        yield { kind: "event", event: { ...draft, seq: (seq += 1), at } };
      for (const line of lines) yield { kind: "transcript", key: sessionId, line };
    },
    profile: () => undefined,
  };
}

function recordFor(
  { record }: ArchiveHeader,
  { sessionId = record.sessionId, agentProfileRef = record.agentProfileReference, name }: ImportOptions,
): PersistedSessionListData {
  if (!Id.safeParse(sessionId).success)
    throw new RuntimeError("invalid_request", "sessionId: must be 1–200 characters of A-Z a-z 0-9 _ . : -", {
      field: "sessionId",
    });
  if (!Architecture.safeParse(record.type).success)
    throw new RuntimeError(
      "unknown_architecture",
      `The session is of the architecture ${record.type}, which there is none of here.`,
    );
  return { ...record, sessionId, agentProfileReference: agentProfileRef, ...(name === undefined ? {} : { name }) };
}

/**
 * What the session keeps to from now on: its profile as it is here. Where it is not known here, and whoever imports may
 * make profiles, it is what the archive has. Throws `unknown_profile`, `invalid_profile`, `forbidden`.
 */
async function profileFor(
  { profiles, tenant, boundSecrets }: ImportTarget,
  source: ImportSource,
  { agentProfileRef }: ImportOptions,
): Promise<AgentProfile> {
  const id = agentProfileRef ?? source.header.record.agentProfileReference;
  const known = (await profiles.listAgentProfiles()).map((profile) => profile.id);
  const here = known.includes(id) ? await profiles.loadAgentProfile(id) : null;
  if (here !== null) return here;
  const archived = agentProfileRef === undefined && tenant === DEFAULT_TENANT ? source.profile() : undefined;
  if (archived === undefined) {
    const message = `There is no agent profile ${id} here. Known: ${known.join(", ")}. Import it with another agentProfileRef.`;
    throw new RuntimeError("unknown_profile", message, { field: "agentProfileRef" });
  }
  refuseForeignPowers(archived, "profile", boundSecrets);
  return archived;
}

function taken(sessionId: string): RuntimeError {
  const message = `There is a session ${sessionId} already. Import it with another sessionId.`;
  return new RuntimeError("conflict", message, { field: "sessionId" });
}
