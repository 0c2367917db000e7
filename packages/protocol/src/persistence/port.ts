import type { WorkspaceFile } from "../files.ts";
import type { AgentProfile, AgentProfileListData } from "../profile.ts";
import type { PersistedSessionData, PersistedSessionListData } from "../session.ts";
import type { ProfileStore } from "./profile-store.ts";
import type { SessionStore } from "./session-store.ts";

/** Fields of a session's record that change. */
export type SessionRecordUpdates = Partial<
  Pick<PersistedSessionListData, "name" | "lastActivity" | "sessionOptions" | "metadata">
>;

/**
 * PORT: where sessions are kept. The nine methods are all that is needed; `store` is used where it is present, and gives
 * what the nine cannot: an event log with a cursor, appending transcripts, file bytes, paging, deletion, tenants.
 */
export interface PersistenceAdapter {
  listAllSessions(): Promise<PersistedSessionListData[]>;
  /** null: not kept here. */
  loadSession(sessionId: string): Promise<PersistedSessionData | null>;
  createSessionRecord(session: PersistedSessionListData): Promise<void>;
  updateSessionRecord(sessionId: string, updates: SessionRecordUpdates): Promise<void>;
  saveTranscript(sessionId: string, rawTranscript: string): Promise<void>;
  saveWorkspaceFile(sessionId: string, file: WorkspaceFile): Promise<void>;
  deleteSessionFile(sessionId: string, path: string): Promise<void>;
  listAgentProfiles(): Promise<AgentProfileListData[]>;
  loadAgentProfile(agentProfileId: string): Promise<AgentProfile | null>;
  /** Capability: see `SessionStore`. */
  readonly store?: SessionStore;
  /** Capability: see `ProfileStore`. */
  readonly profiles?: ProfileStore;
  /** Opens files and connections, runs migrations. Called by `runtime.start()`. */
  open?(): Promise<void>;
  /** Called at the end of `runtime.shutdown()`. */
  close?(): Promise<void>;
}
