import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import { INSTALL } from "./errors.ts";

/** Of the functions in the database. Grows by one with each of our migrations that changes them. */
export const FUNCTIONS = 1;

/** What of the tables' own migrations ours contain: so the tables are those that `postgresPersistence` makes. */
export const TABLE_MIGRATIONS: readonly string[] = [
  "001-sessions",
  "002-compaction",
  "003-checkpoints",
  "004-removals",
  "005-cluster",
  "006-lists",
  "007-profiles",
];

const Installed = z.object({
  functions: z.number(),
  migrations: z.array(z.string()),
  tenant: z.string().nullable(),
  every_tenant: z.boolean().nullable(),
});

/** Throws where the database is not what this version works with, or the key sees not enough of it. */
export function checkInstalled(answer: unknown, { where, cluster }: { where: string; cluster: boolean }): void {
  const parsed = Installed.safeParse(answer);
  if (!parsed.success) throw unusable(`${where}: the functions are others: ${INSTALL}`);
  const { functions, migrations, tenant, every_tenant: everyTenant } = parsed.data;
  const unknown = migrations.filter((name) => !TABLE_MIGRATIONS.includes(name));
  if (functions > FUNCTIONS || unknown.length > 0) {
    const has = unknown.length > 0 ? ` (it has ${unknown.join(", ")})` : "";
    throw unusable(
      `${where}: the tables were made by a newer version of Agent Runtime${has}: run that version or a newer one, or name another project.`,
    );
  }
  if (functions < FUNCTIONS || TABLE_MIGRATIONS.some((name) => !migrations.includes(name))) {
    throw unusable(`${where}: the tables are of an older version: ${INSTALL}`);
  }
  if (everyTenant === true) return;
  if (tenant === null) {
    throw wrong(
      "key",
      `${where}: key: its token has no claim \`tenant\`: use the secret (service) key, or give it one.`,
    );
  }
  if (cluster) {
    const remedy = "use the secret (service) key, or set cluster: false and let one server alone use this token";
    throw wrong("cluster", `${where}: cluster: the key is of the tenant ${tenant} alone: ${remedy}.`);
  }
}

function wrong(field: string, message: string): RuntimeError {
  return new RuntimeError("invalid_configuration", message, { field });
}

function unusable(message: string): RuntimeError {
  return new RuntimeError("data_dir_unusable", message);
}
