import type { AgentProfile, AgentProfileAnswer, AgentProfileListData } from "@hhopkins/agent-runtime-protocol";
import type { Principal } from "../auth/principal.ts";

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

/** What the transports do with profiles, each call for a principal. Errors are `RuntimeError`s. */
export interface ProfileService {
  /** Rejects with `not_found`, `invalid_profile`. */
  read(by: Principal, id: string): Promise<AgentProfileAnswer>;
  /** Rejects with `not_supported`, `forbidden`, `conflict` where there is one of its id. */
  create(by: Principal, profile: AgentProfile): Promise<AgentProfileAnswer>;
  /** Rejects as `create` does, and with `not_found`. */
  replace(by: Principal, profile: AgentProfile): Promise<AgentProfileAnswer>;
  /** Rejects as `replace` does. Sessions keep the content that they began with. */
  delete(by: Principal, id: string): Promise<void>;
}
