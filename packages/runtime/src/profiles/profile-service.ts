import {
  RuntimeError,
  type AgentProfile,
  type PersistenceAdapter,
  type ProfileStore,
} from "@hhopkins/agent-runtime-protocol";
import type { Principal } from "../auth/principal.ts";
import type { BoundSecrets } from "../gateway/port.ts";
import { refuseForeignPowers } from "./foreign-profile.ts";
import type { ProfileService, ProfileSource } from "./port.ts";

/** The only tenant that may change profiles: all tenants have the same. */
const OWNER = "default";

export interface ProfileServiceParts {
  /** All of them. */
  readonly profiles: Pick<PersistenceAdapter, "loadAgentProfile">;
  readonly source: ProfileSource | undefined;
  /** Absent: the adapter keeps none. */
  readonly store: ProfileStore | undefined;
  /** What profiles made by requests may name. */
  readonly boundSecrets: BoundSecrets;
  /** Which content a profile is. */
  readonly versionOf: (profile: AgentProfile) => string;
}

export function createProfileService(parts: ProfileServiceParts): ProfileService {
  const { profiles, source, store, boundSecrets, versionOf } = parts;
  const answer = (profile: AgentProfile) => ({ profile, version: versionOf(profile) });
  const storeFor = async ({ tenant }: Principal, id: string): Promise<ProfileStore> => {
    if (store === undefined) {
      const message =
        "This server's persistence adapter keeps no profiles. Put them into the folder of --profiles or the configuration, or use memory, SQLite, PostgreSQL or MySQL.";
      throw new RuntimeError("not_supported", message);
    }
    if (tenant !== OWNER) {
      throw new RuntimeError("forbidden", `Profiles are those of all tenants: only the tenant ${OWNER} changes them.`);
    }
    if ((await source?.listAgentProfiles())?.some((known) => known.id === id) === true) {
      throw new RuntimeError(
        "conflict",
        `The agent profile ${id} comes from the server's own folder: change it there.`,
      );
    }
    return store;
  };
  const whyReadOnly = async (by: Principal, id: string): Promise<string | undefined> => {
    try {
      const { isConfigured } = await storeFor(by, id);
      return isConfigured?.(id) === true
        ? `The agent profile ${id} is one of the server's configuration: change it there.`
        : undefined;
    } catch (error) {
      if (error instanceof RuntimeError) return error.message;
      throw error;
    }
  };
  return {
    async read(by, id) {
      const profile = await profiles.loadAgentProfile(id);
      if (profile === null) throw new RuntimeError("not_found", `There is no agent profile ${id}.`);
      const readOnly = await whyReadOnly(by, id);
      return { ...answer(profile), ...(readOnly === undefined ? {} : { readOnly }) };
    },
    async create(by, profile) {
      refuseForeignPowers(profile, "body", boundSecrets);
      await (await storeFor(by, profile.id)).create(profile);
      return answer(profile);
    },
    async replace(by, profile) {
      refuseForeignPowers(profile, "body", boundSecrets);
      await (await storeFor(by, profile.id)).replace(profile);
      return answer(profile);
    },
    async delete(by, id) {
      await (await storeFor(by, id)).delete(id);
    },
  };
}
