import { profileFolder } from "@hhopkins/agent-runtime";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

let folder: string;
let dataDir: string;
let server: RuntimeUnderTest;

/** Writes the profile anew, with a word in its prompt. */
function write(word: string): void {
  writeFileSync(join(folder, "worker/profile.json"), JSON.stringify({ systemPrompt: `You are ${word}.`, tools: [] }));
}

const start = (shared: Parameters<typeof startRuntime>[1] = {}) =>
  startRuntime({ profiles: profileFolder(folder) }, { dataDir, ...shared });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-runtime-versions-"));
  dataDir = mkdtempSync(join(tmpdir(), "agent-runtime-versions-data-"));
  mkdirSync(join(folder, "worker"));
  write("version-one");
  server = await start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  for (const path of [folder, dataDir]) rmSync(path, { recursive: true, force: true });
});

/** What the model was asked with, when it was told the marker. */
function asked(marker: string): string {
  const bodies = server.model.requests.map(({ body }) => JSON.stringify(body ?? null));
  return bodies.findLast((body) => body.includes(marker)) ?? "nothing";
}

const options = (sessionId: string, body: object) => server.request("PATCH", `/sessions/${sessionId}/options`, body);

test("a session keeps the profile that it began with, over a restart too, until it is moved to the newest", async () => {
  const sessionId = await server.create({ agentProfileRef: "worker" });
  const { profileVersion: first } = await server.state(sessionId);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  write("version-two");
  const later = await server.state(await server.create({ agentProfileRef: "worker" }));
  expect(later.profileVersion).not.toBe(first);
  await server.turn(sessionId, "marker-1");
  expect(asked("marker-1")).toContain("version-one");

  await server.runtime.shutdown();
  rmSync(join(folder, "worker"), { recursive: true });
  server = await start({ model: server.model, dataDir });
  await server.turn(sessionId, "marker-2");
  expect(asked("marker-2")).toContain("version-one");
  expect((await server.state(sessionId)).profileVersion).toBe(first);

  mkdirSync(join(folder, "worker"));
  write("version-two");
  expect((await options(sessionId, { profileVersion: "latest" })).status).toBe(204);
  expect((await server.state(sessionId)).profileVersion).toBe(later.profileVersion);
  const state = await server.turn(sessionId, "marker-3");
  expect(asked("marker-3")).toContain("version-two");
  expect(asked("marker-3")).not.toContain("version-one");
  // The conversation goes on.
  expect(asked("marker-3")).toContain("marker-1");
  expect(state.profileVersion).toBe(later.profileVersion);
  const restarts = state.runtime.sandbox?.restartCount;
  await server.turn(sessionId, "marker-4");
  expect((await server.state(sessionId)).runtime.sandbox?.restartCount).toBe(restarts);
});

test("where it cannot be moved it stays, and why is said", async () => {
  const sessionId = await server.create({ agentProfileRef: "worker" });
  const { profileVersion, lastSeq } = await server.state(sessionId);
  const refusal = async (body: object) => {
    const response = await options(sessionId, body);
    const { error, detail } = (await response.json()) as { error: string; detail: string };
    return { status: response.status, error, detail };
  };
  expect(await refusal({ profileVersion: "older" })).toMatchObject({ status: 400, error: "invalid_request" });
  writeFileSync(join(folder, "worker/profile.json"), '{ "tools": 5 }');
  expect(await refusal({ profileVersion: "latest", model: "haiku" })).toMatchObject({
    status: 422,
    error: "invalid_profile",
    detail: expect.stringContaining("worker/profile.json: tools: ") as string,
  });
  rmSync(join(folder, "worker"), { recursive: true });
  expect(await refusal({ profileVersion: "latest" })).toMatchObject({ status: 422, error: "unknown_profile" });
  expect(await server.state(sessionId)).toMatchObject({ profileVersion, lastSeq });
});
