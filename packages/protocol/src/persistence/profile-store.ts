import type { AgentProfile } from "../profile.ts";

/** CAPABILITY of an adapter: profiles that are made and changed while it runs. Listed and loaded beside its others. */
export interface ProfileStore {
  /** Rejects with `conflict` where there is one of this id. */
  create(profile: AgentProfile): Promise<void>;
  /** Rejects with `not_found` where there is none of this id, and with `conflict` where it is of the configuration. */
  replace(profile: AgentProfile): Promise<void>;
  /** Rejects as `replace` does. Sessions keep the content that they began with. */
  delete(id: string): Promise<void>;
  /** Whether it is of the configuration; absent: that is told when it is to be changed. */
  isConfigured?(id: string): boolean;
}
