import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import type { ProfileRows } from "../kept-profiles.ts";
import type { SqlDialect } from "./dialect.ts";
import { decodeJson } from "./rows.ts";
import type { Db } from "./schema.ts";

/** Profiles that were made while a server runs. Of the whole deployment, not of a tenant. */
export function sqlProfiles(db: () => Db, { isDuplicate }: Pick<SqlDialect, "isDuplicate">): ProfileRows {
  return {
    async all() {
      const rows = await db().selectFrom("agent_profiles").select(["id", "profile"]).orderBy("id").execute();
      return rows.map(({ id, profile }) => decoded(id, profile));
    },
    async get(id) {
      const row = await db().selectFrom("agent_profiles").select("profile").where("id", "=", id).executeTakeFirst();
      return row === undefined ? null : decoded(id, row.profile);
    },
    async insert(profile) {
      const row = { id: profile.id, profile: JSON.stringify(profile) };
      try {
        await db().insertInto("agent_profiles").values(row).execute();
        return true;
      } catch (error) {
        if (isDuplicate(error)) return false;
        throw error;
      }
    },
    async update(profile) {
      // MySQL counts no row that is as it was: whether there is one is asked apart.
      const row = await db().selectFrom("agent_profiles").select("id").where("id", "=", profile.id).executeTakeFirst();
      if (row === undefined) return false;
      await db()
        .updateTable("agent_profiles")
        .set({ profile: JSON.stringify(profile) })
        .where("id", "=", profile.id)
        .execute();
      return true;
    },
    async remove(id) {
      const { numDeletedRows } = await db().deleteFrom("agent_profiles").where("id", "=", id).executeTakeFirst();
      return numDeletedRows > 0n;
    },
  };
}

/** As it was when it was taken. A newer schema may refuse it: whoever loads it is told, and the others are listed. */
function decoded(id: string, profile: string): AgentProfile {
  return decodeJson(profile, `profile ${id}`);
}
