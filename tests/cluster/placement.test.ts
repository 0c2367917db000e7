import { memoryPersistence, sharedMemory } from "@hhopkins/agent-runtime/persistence/memory";
import type { AgentRuntimeConfig } from "@hhopkins/agent-runtime";
import { expect, test } from "vitest";
import { runningServer, type Answer, type RunningServer } from "../contract/running-server.ts";
import { prompt } from "../testing/prompts.ts";

/** Until it is interrupted. */
const HANG = prompt("wait", { text: "never", firstMs: 600_000 });

function node(config: AgentRuntimeConfig): Promise<RunningServer> {
  return runningServer({ config: { logger: silent, shutdownGraceMs: 50, ...config } });
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Heartbeats tell how full a node is: with this one, soon. */
const cluster = { leaseMs: 1500 };

async function until<T>(read: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  let value = await read();
  await expect.poll(async () => isSo((value = await read())), { timeout: 20_000, interval: 50 }).toBe(true);
  return value;
}

async function hanging(server: RunningServer): Promise<{ sessionId: string; answer: Answer }> {
  const sessionId = await server.create();
  return { sessionId, answer: await server.send(sessionId, HANG) };
}

function loaded(server: RunningServer): string[] {
  return server.runtime.sessionManager.getLoadedSessions().map(({ sessionId }) => sessionId);
}

test("sessions go to the node with the most room; where none has any, messages are refused until there is", async () => {
  const memory = sharedMemory();
  const config = () => ({ persistence: memoryPersistence({ memory }), cluster, maxSandboxes: 1, maxWaiting: 0 });
  await using a = await node(config());
  await using b = await node(config());
  await until(
    async () => (await b.call("GET", "/ready")).status,
    (status) => status === 200,
  );
  const first = await hanging(a);
  expect(first.answer.status).toBe(202);
  const [busy, free] = loaded(a).includes(first.sessionId) ? [a, b] : [b, a];
  await until(
    () => busy.state(first.sessionId),
    ({ runtime }) => runtime.sandbox?.status === "ready",
  );
  // Asked of the node that is full.
  const second = await hanging(busy);
  expect(second.answer.status).toBe(202);
  await until(
    async () => loaded(free),
    (ids) => ids.includes(second.sessionId),
  );
  expect(loaded(busy)).toEqual([first.sessionId]);
  const third = await busy.create();
  const refused = await until(
    () => busy.send(third, HANG, { messageId: "m3" }),
    ({ status }) => status === 503,
  );
  expect(refused.json).toMatchObject({ error: "unavailable" });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  // The sandbox of an unloaded session makes room, and the message goes where it is.
  expect((await busy.call("DELETE", `/sessions/${second.sessionId}`)).status).toBeLessThan(300);
  await until(
    () => busy.send(third, HANG, { messageId: "m3" }),
    ({ status }) => status === 202,
  );
  await until(
    async () => loaded(free),
    (ids) => ids.includes(third),
  );
  for (const sessionId of [first.sessionId, third]) await a.call("DELETE", `/sessions/${sessionId}`);
});

test("two nodes load a session at the same time: one has it, and the other says who", async () => {
  const memory = sharedMemory();
  await using a = await node({ persistence: memoryPersistence({ memory }), cluster });
  await using b = await node({ persistence: memoryPersistence({ memory }), cluster });
  for (let round = 0; round < 20; round += 1) {
    const sessionId = await a.create();
    const loads = await Promise.allSettled([a, b].map(({ runtime }) => runtime.sessionManager.loadSession(sessionId)));
    expect(loads.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const refusal = loads.flatMap((load) => (load.status === "rejected" ? [load.reason as { code: string }] : []));
    expect(refusal[0]?.code).toBe("stale_fence");
  }
});

test("one node alone bounds its line, too: maxWaiting", async () => {
  await using server = await node({ maxSandboxes: 1, maxWaiting: 1 });
  const running = await hanging(server);
  await until(
    () => server.state(running.sessionId),
    ({ runtime }) => runtime.sandbox?.status === "ready",
  );
  const sent = await Promise.all([hanging(server), hanging(server), hanging(server)]);
  expect(sent.map(({ answer }) => answer.status).toSorted((one, other) => one - other)).toEqual([202, 503, 503]);
  const waiting = sent.find(({ answer }) => answer.status === 202);
  const state = await until(
    () => server.state(waiting?.sessionId ?? ""),
    ({ runtime }) => runtime.sandbox?.status === "pending",
  );
  expect(state.runtime.sandbox?.statusMessage).toContain("place 1 in the line");
  const refused = sent.find(({ answer }) => answer.status === 503);
  expect(refused?.answer.json).toMatchObject({ error: "unavailable" });
  expect(Number(refused?.answer.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await server.state(refused?.sessionId ?? "")).queue).toEqual([]);
  // Whoever waits first: it would get the free sandbox.
  for (const { sessionId } of [...sent, running]) await server.call("DELETE", `/sessions/${sessionId}`);
});
