import { RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";
import type { PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import { expect, test } from "vitest";
import { contractTests } from "../testing/contract-tests.ts";
import { memoryPersistence, sharedMemory } from "./index.ts";

/** Two adapters of one memory. */
function memorySubject(): PersistenceSubject {
  const memory = sharedMemory();
  const adapter = memoryPersistence({ memory });
  const reopen = async () => {
    await adapter.close?.();
    await adapter.open?.();
    return adapter;
  };
  return {
    open: async () => adapter,
    reopen,
    second: async () => memoryPersistence({ memory }),
    rowCount: async () => memory.size,
  };
}

contractTests({ store: "memory", version: `Node ${process.versions.node}` }, memorySubject, {
  suites: ["contract", "cluster"],
});

test("a memory of its own has no cluster; a shared one's adapters are closed one by one", async () => {
  expect(memoryPersistence().store.cluster).toBeUndefined();
  const memory = sharedMemory();
  const [one, two] = [memoryPersistence({ memory }), memoryPersistence({ memory })];
  await one.close?.();
  await expect(one.store.claimed()).rejects.toMatchObject({ code: "persistence_unavailable" });
  expect(await two.store.claimed()).toEqual([]);
  const wrong = { size: 0 };
  expect(() => memoryPersistence({ memory: wrong })).toThrow("memory: is not made by sharedMemory()");
});

test("a shared memory's clock is the one it was given: leases end by it, answers are swept by it", async () => {
  let now = 1000;
  const memory = sharedMemory({ now: () => now });
  const { store } = memoryPersistence({ memory });
  const { cluster } = store;
  const key = { tenant: "default", sessionId: "s1" };
  const record = { sessionId: "s1", type: "t", agentProfileReference: "default", createdAt: "2026-11-22T08:00:00Z" };
  await store.create({ ...key, record, logId: "L", first: { events: [] } });
  const node = { nodeId: "a", place: "here", sandboxes: 0, waiting: 0, maxSandboxes: 1, leaving: false };
  await cluster?.heartbeat(node, 100);
  const lease = await cluster?.claim(key, "a");
  now += 99;
  expect(await cluster?.lease(key)).toEqual(lease);
  await cluster?.answer("c1", { ok: true, data: 1 });
  now += 1;
  expect(await cluster?.lease(key)).toBeNull();
  now += 59_998;
  expect(await cluster?.answers(["c1"])).toEqual([{ ok: true, data: 1 }]);
  now += 1;
  expect(await cluster?.answers(["c1"])).toEqual([null]);
  expect(memory.size).toBe(1);
});

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
