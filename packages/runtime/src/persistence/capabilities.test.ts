import { expect, test } from "vitest";
import { persistenceCapabilities } from "./capabilities.ts";
import { convexPersistence } from "./convex/index.ts";
import { memoryPersistence, sharedMemory } from "./memory/index.ts";
import { mysqlPersistence } from "./mysql/index.ts";
import type { PersistenceAdapter } from "./port.ts";
import { postgresPersistence } from "./postgres/index.ts";
import { sqlitePersistence } from "./sqlite/index.ts";
import { supabasePersistence } from "./supabase/index.ts";

const NINE_METHODS = {
  listAllSessions: async () => [],
  loadSession: async () => null,
  createSessionRecord: async () => undefined,
  updateSessionRecord: async () => undefined,
  saveTranscript: async () => undefined,
  saveWorkspaceFile: async () => undefined,
  deleteSessionFile: async () => undefined,
  listAgentProfiles: async () => [],
  loadAgentProfile: async () => null,
} satisfies PersistenceAdapter;

test("what each adapter has", () => {
  const adapters: Record<string, PersistenceAdapter> = {
    "nine methods": NINE_METHODS,
    memory: memoryPersistence(),
    "memory, shared": memoryPersistence({ memory: sharedMemory() }),
    sqlite: sqlitePersistence({ file: ":memory:" }),
    postgres: postgresPersistence({ connectionString: "postgres://127.0.0.1/none" }),
    mysql: mysqlPersistence({ uri: "mysql://127.0.0.1/none" }),
    supabase: supabasePersistence({ url: "http://127.0.0.1:1", key: "none" }),
    convex: convexPersistence({ url: "http://127.0.0.1:1", secret: "s".repeat(32) }),
    "convex, cluster": convexPersistence({ url: "http://127.0.0.1:1", secret: "s".repeat(32), cluster: true }),
  };
  const had = Object.entries(adapters).map(
    ([name, adapter]) => `${name}: ${persistenceCapabilities(adapter).join(", ") || "–"}`,
  );
  expect(had).toMatchInlineSnapshot(`
    [
      "nine methods: –",
      "memory: store, tenants, profiles",
      "memory, shared: store, tenants, cluster, profiles",
      "sqlite: store, tenants, profiles",
      "postgres: store, tenants, cluster, bus, profiles",
      "mysql: store, tenants, cluster, profiles",
      "supabase: store, tenants, cluster",
      "convex: store, tenants",
      "convex, cluster: store, tenants, cluster",
    ]
  `);
});
