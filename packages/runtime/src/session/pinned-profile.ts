/** The content of its profile that a session keeps to. It lies in the store as a blob of the session. */
import { AgentProfile, RuntimeError, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { collectBytes } from "../persistence/blob-bytes.ts";
import type { BlobChunk, SessionKey } from "../persistence/session-store.ts";
import { versionOf } from "./profile-version.ts";
import { isIntact } from "./blob-check.ts";
import type { SessionParts } from "./session-parts.ts";

/** Whose profile is asked for. */
export interface PinningSession {
  readonly key: SessionKey;
  state(): SessionState;
}

type Parts = Pick<SessionParts, "profiles" | "store" | "log">;

/** What keeps a session to this content. */
export interface ProfilePin {
  readonly profileVersion: string;
  readonly blob: BlobChunk;
}

export function pinOf(profile: AgentProfile): ProfilePin {
  const { version, text } = versionOf(profile);
  const bytes = Buffer.from(text, "utf8");
  return { profileVersion: version, blob: { sha256: version, offset: 0, total: bytes.length, bytes } };
}

/**
 * The profile of a session, as it was when it was pinned; of a session that is not pinned, and where the store has lost
 * the content, as it is now. Throws `unknown_profile`, `invalid_profile`.
 */
export async function profileOf(parts: Parts, session: PinningSession): Promise<AgentProfile> {
  const { key } = session;
  const { profileVersion, agentProfileReference } = session.state();
  if (profileVersion === undefined) return latestProfile(parts, agentProfileReference);
  const pinned = await readPin(parts, key, profileVersion);
  if (pinned !== null) return pinned;
  const { sessionId } = key;
  parts.log.warn(
    { sessionId, profileVersion },
    "the profile that a session keeps to is not in the store: it gets what it is now",
  );
  return latestProfile(parts, agentProfileReference);
}

/** Throws `unknown_profile`, `invalid_profile`. */
export async function latestProfile({ profiles }: Pick<Parts, "profiles">, id: string): Promise<AgentProfile> {
  const profile = await profiles.loadAgentProfile(id);
  if (profile === null) throw new RuntimeError("unknown_profile", `The agent profile ${id} is not there any more.`);
  return profile;
}

async function readPin({ store }: Parts, key: SessionKey, version: string): Promise<AgentProfile | null> {
  if (!(await isIntact(store, key, version))) return null;
  const text = Buffer.from(await collectBytes(store.blob(key, version))).toString("utf8");
  // An earlier version of this server may have taken what this one refuses.
  const parsed = AgentProfile.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}
