import { RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { persistenceContract } from "@hhopkins/agent-runtime-testkit";
import { expect, test } from "vitest";
import { memoryPersistence } from "./index.ts";

for (const [name, run] of Object.entries(persistenceContract)) {
  test(name, async () => {
    const adapter = memoryPersistence();
    const reopen = async () => {
      await adapter.close?.();
      await adapter.open?.();
      return adapter;
    };
    await run({ open: async () => adapter, reopen });
  });
}

test("profiles are checked, and stand in for the default one", async () => {
  const profile: AgentProfile = { id: "mine", name: "Mine", systemPrompt: "Be brief." };
  const adapter = memoryPersistence({ profiles: [profile] });
  expect(await adapter.listAgentProfiles()).toEqual([{ id: "mine", name: "Mine" }]);
  expect(await adapter.loadAgentProfile("mine")).toEqual(profile);
  expect(await adapter.loadAgentProfile("default")).toBeNull();
  const wrong = { id: "mine", name: "" };
  expect(() => memoryPersistence({ profiles: [wrong] })).toThrow(RuntimeError);
  expect(() => memoryPersistence({ profiles: [wrong] })).toThrow("profiles.0.name");
  expect(() => memoryPersistence({ profiles: [profile, profile] })).toThrow("two have the id mine");
});
