import { AgentProfile, fromZodError, type PersistenceAdapter } from "@hhopkins/agent-runtime-protocol";
import type { ProfileSource } from "./port.ts";

type Profiles = Pick<PersistenceAdapter, "listAgentProfiles" | "loadAgentProfile">;

/** The profiles of a source, checked, and those of the adapter whose ids the source has not. */
export function allProfiles(adapter: Profiles, source: ProfileSource | undefined): Profiles {
  if (source === undefined) return adapter;
  return {
    async listAgentProfiles() {
      const own = await source.listAgentProfiles();
      const ids = new Set(own.map(({ id }) => id));
      return [...own, ...(await adapter.listAgentProfiles()).filter(({ id }) => !ids.has(id))];
    },
    async loadAgentProfile(id) {
      const found = await source.loadAgentProfile(id);
      if (found === null) return adapter.loadAgentProfile(id);
      const checked = AgentProfile.safeParse(found);
      if (checked.success) return checked.data;
      throw fromZodError(checked.error, `profiles.loadAgentProfile(${id})`, "invalid_profile");
    },
  };
}
