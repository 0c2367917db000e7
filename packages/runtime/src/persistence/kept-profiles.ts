import { RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { guardedCall, type StoreGuard } from "./guarded-store.ts";
import type { PersistenceAdapter } from "./port.ts";

/** Where profiles lie that were made while the server runs, by id. */
export interface ProfileRows {
  all(): Promise<AgentProfile[]>;
  get(id: string): Promise<AgentProfile | null>;
  /** False: there is one of this id. */
  insert(profile: AgentProfile): Promise<boolean>;
  /** False: there is none. */
  update(profile: AgentProfile): Promise<boolean>;
  /** False: there is none. */
  remove(id: string): Promise<boolean>;
}

/** Profiles of a configuration, which nobody changes here, and those that are kept. */
export function keptProfiles(
  configured: readonly AgentProfile[],
  unguarded: ProfileRows,
  guard: StoreGuard,
): Required<Pick<PersistenceAdapter, "listAgentProfiles" | "loadAgentProfile" | "profiles">> {
  const call = guardedCall(guard);
  const rows: ProfileRows = {
    all: call(unguarded.all),
    get: call(unguarded.get),
    insert: call(unguarded.insert),
    update: call(unguarded.update),
    remove: call(unguarded.remove),
  };
  const isConfigured = (id: string): boolean => configured.some((profile) => profile.id === id);
  const changeable = (id: string): void => {
    if (isConfigured(id)) throw conflict(id, "is one of the server's configuration: change it there");
  };
  const found = (id: string, isThere: boolean): void => {
    if (!isThere) throw new RuntimeError("not_found", `There is no agent profile ${id}.`);
  };
  return {
    async listAgentProfiles() {
      const kept = (await rows.all()).filter(({ id }) => !isConfigured(id));
      return [...configured, ...kept].map(({ id, name, description }) => ({
        id,
        name,
        ...(description === undefined ? {} : { description }),
      }));
    },
    async loadAgentProfile(id) {
      const profile = configured.find((known) => known.id === id);
      return profile === undefined ? rows.get(id) : structuredClone(profile);
    },
    profiles: {
      isConfigured,
      async create(profile) {
        changeable(profile.id);
        if (!(await rows.insert(profile))) throw conflict(profile.id, "is there already");
      },
      async replace(profile) {
        changeable(profile.id);
        found(profile.id, await rows.update(profile));
      },
      async delete(id) {
        changeable(id);
        found(id, await rows.remove(id));
      },
    },
  };
}

function conflict(id: string, what: string): RuntimeError {
  return new RuntimeError("conflict", `The agent profile ${id} ${what}.`);
}
