import { clusterContract, persistenceContract, runPersistenceCase } from "@hhopkins/agent-runtime-testkit";
import type { PersistenceSubject } from "@hhopkins/agent-runtime-testkit";
import { afterEach, describe, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import type { SessionStore } from "../session-store.ts";
import { convexPersistence } from "./index.ts";

/**
 * The contract against a real deployment, where there is one: CONVEX_SELF_HOSTED_URL (or CONVEX_URL) and its
 * AGENT_RUNTIME_SECRET. It must be one for tests alone: it is emptied again and again.
 */
const url = process.env["CONVEX_SELF_HOSTED_URL"] ?? process.env["CONVEX_URL"];
const secret = process.env["AGENT_RUNTIME_SECRET"];
const missing =
  url === undefined || secret === undefined
    ? "no deployment: CONVEX_SELF_HOSTED_URL and AGENT_RUNTIME_SECRET are not set"
    : undefined;

const open: PersistenceAdapter[] = [];
afterEach(async () => {
  for (const adapter of open.splice(0)) await adapter.close?.();
});

async function another(): Promise<PersistenceAdapter & { readonly store: SessionStore }> {
  const adapter = convexPersistence({ url: url ?? "", secret: secret ?? "", cluster: true });
  await adapter.open?.();
  open.push(adapter);
  return adapter;
}

/** Tenants and ids that the cases use. */
const TENANTS = ["default", "other", "a", "b"];
const COMMANDS = [1, 2, 3, 4].flatMap((n) => [`c${n}`, `c-${n}`, `C-${n}`]);

async function empty({ store }: { readonly store: SessionStore }): Promise<void> {
  for (const tenant of TENANTS) {
    for (let left = true; left;) {
      const { sessions, nextCursor } = await store.list({ tenant, limit: 100 });
      for (const { sessionId } of sessions) await store.delete({ tenant, sessionId });
      left = nextCursor !== undefined;
    }
  }
  const node = { nodeId: "sweeper", place: "here", sandboxes: 0, waiting: 0, maxSandboxes: 0, leaving: true };
  const living = await store.cluster?.heartbeat(node, 1_000);
  for (const { nodeId } of living?.nodes ?? []) await store.cluster?.leave(nodeId);
  await store.cluster?.forget(COMMANDS);
}

const subject: PersistenceSubject = {
  open: async () => {
    const adapter = await another();
    await empty(adapter);
    return adapter;
  },
  reopen: async () => {
    for (const adapter of open.splice(0)) await adapter.close?.();
    return await another();
  },
  second: another,
  because: { rowCount: "a deployment's documents cannot be counted from outside" },
};

const SUITES = { contract: persistenceContract, cluster: clusterContract };

if (missing !== undefined) test("the contract on a real deployment", ({ skip }) => skip(missing));
else {
  for (const [suite, cases] of Object.entries(SUITES)) {
    describe(`a deployment, ${suite}`, () => {
      test.for(Object.entries(cases))("%s", { timeout: 120_000 }, async ([, each], { skip }) => {
        const outcome = await runPersistenceCase(each, subject);
        if (outcome.state === "skipped") skip(outcome.reason);
        if (outcome.state === "failed") throw outcome.error;
      });
    });
  }
}
