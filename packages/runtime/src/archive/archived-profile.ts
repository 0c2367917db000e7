import { AgentProfile, fromZodError, RuntimeError, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import type { BlobChunk } from "../persistence/session-store.ts";
import { sha256 } from "../session/entry-translation.ts";

/** Far more than a profile can have that a sandbox takes. */
const MAX_BYTES = 16 * 1024 * 1024;

/** The version of its profile that a session is moved to by an event; undefined: it is not. */
export function profileVersionOf(event: Pick<SessionEvent, "type" | "data">): string | undefined {
  const isPin = event.type === "session:created" || event.type === "session:profile:update";
  return isPin ? (event.data as { profileVersion?: string }).profileVersion : undefined;
}

/** Finds the profile that a session kept to among an archive's lines, where the log comes before the blobs. */
export interface ArchivedProfile {
  event(event: Pick<SessionEvent, "type" | "data">): void;
  blob(chunk: BlobChunk): void;
  /** undefined: the archive has none. Throws `invalid_request` for one that is damaged, `invalid_profile`. */
  found(): AgentProfile | undefined;
}

export function archivedProfile(): ArchivedProfile {
  let version: string | undefined;
  let chunks: BlobChunk[] = [];
  return {
    event(event) {
      const next = profileVersionOf(event);
      if (next === undefined) return;
      version = next;
      chunks = [];
    },
    blob(chunk) {
      if (chunk.sha256 === version && chunk.total <= MAX_BYTES) chunks.push(chunk);
    },
    found() {
      const bytes = Buffer.concat(chunks.toSorted((a, b) => a.offset - b.offset).map((chunk) => chunk.bytes));
      if (chunks.length === 0) return undefined;
      if (sha256(bytes) !== version)
        throw new RuntimeError("invalid_request", "body: the profile in the archive is damaged");
      const parsed = AgentProfile.safeParse(JSON.parse(bytes.toString("utf8")));
      if (parsed.success) return parsed.data;
      throw fromZodError(parsed.error, "the archive's profile", "invalid_profile");
    },
  };
}
