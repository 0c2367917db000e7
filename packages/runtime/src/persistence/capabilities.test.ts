import { expect, test } from "vitest";
import { persistenceCapabilities } from "./capabilities.ts";
import { memoryPersistence, sharedMemory } from "./memory/index.ts";
import type { PersistenceAdapter } from "./port.ts";
import { sqlitePersistence } from "./sqlite/index.ts";

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
  };
  const had = Object.entries(adapters).map(
    ([name, adapter]) => `${name}: ${persistenceCapabilities(adapter).join(", ") || "–"}`,
  );
  expect(had).toMatchInlineSnapshot(`
    [
      "nine methods: –",
      "memory: store, tenants",
      "memory, shared: store, tenants, cluster",
      "sqlite: store, tenants",
    ]
  `);
});
