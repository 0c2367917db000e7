import { memoryPersistence, sharedMemory, type SharedMemory } from "@hhopkins/agent-runtime/persistence/memory";
import { expect, test } from "vitest";
import { runningServer, type RunningServer } from "../contract/running-server.ts";
import { mutedPersistence } from "../testing/muted-persistence.ts";
import { TALK, prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";

const LEASE = { leaseMs: 1000 };
const POLL = { timeout: 20_000, interval: 50 };

/** A node whose heartbeats can be kept from the store, while everything else gets through. */
async function mutedNode(
  memory: SharedMemory,
): Promise<{ server: RunningServer; mute(is: boolean): void; warnings: string[] }> {
  const { persistence, mute } = mutedPersistence(memory);
  const warnings: string[] = [];
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (_about: object, message: string) => void warnings.push(message),
  };
  const server = await runningServer({ config: { persistence, cluster: LEASE, logger, shutdownGraceMs: 50 } });
  return { server, mute, warnings };
}

test("a node that cannot say that it lives takes nothing new, goes on with what it has, and lets go of what it lost", async () => {
  const memory = sharedMemory();
  const a = await mutedNode(memory);
  await using server = a.server;
  const sessionId = await server.create();
  expect((await server.send(sessionId, prompt("talk", TALK))).status).toBe(202);
  await expect.poll(async () => said(await server.state(sessionId))[0] ?? "", POLL).toContain("word");

  a.mute(true);
  await expect.poll(async () => (await server.call("GET", "/ready")).status, POLL).toBe(503);
  const ready = await server.call("GET", "/ready");
  expect(ready.json).toMatchObject({
    ready: false,
    checks: { cluster: expect.stringContaining("could not tell the store") },
  });
  const refused = await server.call("POST", "/sessions/create", {
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
  });
  expect(refused).toMatchObject({ status: 503, json: { error: "unavailable" } });
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  // Nobody has taken the session: it goes on here.
  const before = (await server.state(sessionId)).lastSeq;
  await expect.poll(async () => (await server.state(sessionId)).lastSeq, POLL).toBeGreaterThan(before);
  expect(a.warnings.filter((message) => message.includes("that this node lives"))).toHaveLength(1);

  await using b = await runningServer({
    config: { persistence: memoryPersistence({ memory }), cluster: LEASE, logger: silent, shutdownGraceMs: 50 },
  });
  const loaded = (of: RunningServer) =>
    of.runtime.sessionManager.getLoadedSessions().map((session) => session.sessionId);
  await expect.poll(() => loaded(b), POLL).toEqual([sessionId]);
  // Its next write is refused, or its first heartbeat tells it.
  a.mute(false);
  await expect.poll(() => loaded(server), POLL).toEqual([]);
  await expect.poll(async () => (await server.call("GET", "/ready")).status, POLL).toBe(200);
  expect(a.warnings).toContain("another server runs a session that this one had; it is let go");

  // Asked of the one that lost it.
  expect((await server.call("POST", `/sessions/${sessionId}/interrupt`)).status).toBeLessThan(300);
  await expect.poll(async () => (await server.state(sessionId)).turn, POLL).toBe(null);
  expect(await server.state(sessionId)).toEqual(await b.state(sessionId));
  expect((await server.call("DELETE", `/sessions/${sessionId}`)).status).toBeLessThan(300);
  expect((await b.call("GET", `/sessions/${sessionId}`)).status).toBe(404);
});

test("a node that counted as gone, and whose sessions nobody took, keeps them under the same lease", async () => {
  const a = await mutedNode(sharedMemory());
  await using server = a.server;
  const sessionId = await server.create();
  const session = await server.runtime.sessionManager.loadSession(sessionId);
  a.mute(true);
  await expect.poll(async () => (await server.call("GET", "/ready")).status, POLL).toBe(503);
  a.mute(false);
  await expect.poll(async () => (await server.call("GET", "/ready")).status, POLL).toBe(200);
  await expect
    .poll(() => a.warnings, POLL)
    .toContain("this node counted as gone for a while; others may have its sessions");
  expect(server.runtime.sessionManager.getSession(sessionId)).toBe(session);
  expect((await server.call("PATCH", `/sessions/${sessionId}/options`, { model: "other" })).status).toBeLessThan(300);
  expect(session.getState().sessionOptions).toEqual({ model: "other" });
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };
