import type { AgentProfile, AgentProfileListData } from "@hhopkins/agent-runtime-protocol";

/**
 * PORT: where profiles come from besides the persistence adapter. Asked at each use, so that what has changed is seen;
 * sessions keep the content that they began with.
 */
export interface ProfileSource {
  listAgentProfiles(): Promise<readonly AgentProfileListData[]>;
  /** null: not here. Throws `invalid_profile`. */
  loadAgentProfile(id: string): Promise<AgentProfile | null>;
  /** Called by `runtime.start()`. Throws `invalid_configuration` where nothing of it can be used. */
  open?(log: ProfileLog): Promise<void>;
}

/** Told of what is left out. */
export interface ProfileLog {
  warn(detail: object, message: string): void;
}
