import { RuntimeError, type SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PersistenceAdapter } from "../port.ts";
import type { Lease, NodeRecord, SessionStore } from "../session-store.ts";
import { postgresPersistence } from "./index.ts";
import { testDatabase, type TestDatabase } from "./testing/test-database.ts";

const ROUNDS = 300;
const key = { tenant: "default", sessionId: "s1" };
const AT = "2026-11-22T08:00:00Z";

let database: TestDatabase;
const adapters: PersistenceAdapter[] = [];

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(async () => {
  for (const adapter of adapters) await adapter.close?.();
  await database.drop();
});

interface Node {
  readonly nodeId: string;
  readonly store: SessionStore;
  say(ttlMs: number): Promise<unknown>;
  claim(): Promise<Lease>;
  /** One event that says whose fence it was written with; what became of it. */
  write(fence: number): Promise<string>;
}

async function node(nodeId: string): Promise<Node> {
  const adapter = postgresPersistence({ connectionString: database.url, max: 3 });
  await adapter.open?.();
  adapters.push(adapter);
  const { store } = adapter;
  const { cluster } = store;
  if (cluster === undefined) throw new Error("no cluster");
  const record: NodeRecord = { nodeId, place: "p", sandboxes: 0, waiting: 0, maxSandboxes: 1, leaving: false };
  const write = async (fence: number): Promise<string> => {
    const expectedSeq = (await store.head(key))?.lastSeq ?? 0;
    const data = { sessionId: "s1", conversationId: "main", blockId: "b1", delta: String(fence) };
    const event: SessionEvent = { seq: expectedSeq + 1, at: AT, type: "session:block:delta", data };
    const [outcome] = await store.append([{ ...key, expectedSeq, fence, events: [event] }]);
    if (outcome === null || outcome === undefined) return "written";
    return outcome instanceof RuntimeError ? outcome.code : outcome.message;
  };
  return {
    nodeId,
    store,
    say: (ttl) => cluster.heartbeat(record, ttl),
    claim: () => cluster.claim(key, nodeId),
    write,
  };
}

test("300 takeovers that three nodes race for: one wins each, and who lost the session writes nothing", async () => {
  const nodes = await Promise.all(["a", "b", "c", "d"].map(node));
  const [first] = nodes;
  const record = { sessionId: "s1", type: "t", agentProfileReference: "default", createdAt: AT };
  await first!.store.create({ ...key, record, logId: "L", first: { events: [] } });
  for (const each of nodes) await each.say(600_000);
  let holder = first!;
  let lease = await holder.claim();
  for (let round = 1; round <= ROUNDS; round += 1) {
    const others = nodes.filter((each) => each !== holder);
    // It writes while its time ends and the others take the session from it.
    const [late, claims] = await Promise.all([
      holder.write(lease.fence),
      holder.say(0).then(() => Promise.all(others.map((each) => each.claim()))),
    ]);
    const [winner] = claims;
    if (winner === undefined) throw new Error("nobody claimed");
    expect(claims).toEqual([winner, winner, winner]);
    expect(winner).toEqual({ nodeId: expect.any(String) as string, fence: lease.fence + 1 });
    expect(others.map(({ nodeId }) => nodeId)).toContain(winner.nodeId);
    expect(["written", "stale_fence", "sequence_conflict"]).toContain(late);
    expect(await holder.write(lease.fence)).toBe("stale_fence");
    const next = nodes.find(({ nodeId }) => nodeId === winner.nodeId);
    expect(await next?.write(winner.fence)).toBe("written");
    await holder.say(600_000);
    holder = next!;
    lease = winner;
  }
  const events = await first!.store.events(key, { after: 0, limit: 10_000 });
  const fences = events.map(({ data }) => Number((data as { delta: string }).delta));
  expect(fences).toEqual(fences.toSorted((a, b) => a - b));
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
  expect(new Set(fences).size).toBeGreaterThanOrEqual(ROUNDS);
}, 120_000);
