import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";
import { ALLOW, MODEL, results } from "./bench.ts";
import { effect, startFarTool, type FarTool } from "./far-tool.ts";

const SKEWED_CLOCK = new URL("../testing/skewed-clock.mjs", import.meta.url).href;

let folder: string;
let model: ScriptedModel;
let far: FarTool;
beforeEach(async () => {
  [folder, model, far] = await Promise.all([
    mkdtemp(join(tmpdir(), "agent-runtime-test-")),
    startScriptedModel(),
    startFarTool(),
  ]);
  await writeProfile({});
});

/** Asks of sessions that begin from now on: `asks` of the profile. */
async function writeProfile(asks: object): Promise<void> {
  const profile = {
    name: "Asker",
    model: MODEL,
    tools: ["Bash"],
    externalMCPs: [{ type: "http", name: "far", url: far.url }],
    permissions: { ask: ["mcp__far__effect"] },
    asks,
  };
  await mkdir(join(folder, "profiles", "asker"), { recursive: true });
  await writeFile(join(folder, "profiles", "asker", "profile.json"), JSON.stringify(profile));
}

afterEach(async () => {
  await endSandboxes(folder);
  await Promise.all([model.close(), far[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true, force: true });
});

/** A server on the same data. `idleMs`: after how long it lets a session sleep. */
function serve(idleMs = 3_600_000, environment: Record<string, string> = {}): Promise<ServerProcess> {
  return startServerProcess({
    folder,
    modelUrl: model.url,
    flags: ["--profiles", join(folder, "profiles"), "--allowed-hosts", far.place, "--idle-timeout-ms", String(idleMs)],
    environment,
  });
}

const SCRIPT = [{ tools: [effect("once")] }, { text: "done" }, { text: "more" }];

/** A session whose agent is about to ask. */
async function asking(server: ServerProcess): Promise<string> {
  const body = { agentProfileRef: "asker", architecture: "claude-agent-sdk" };
  const created = await server.request("POST", "/sessions/create", body);
  const { sessionId } = (await created.json()) as { sessionId: string };
  await server.request("POST", `/sessions/${sessionId}/message`, { content: prompt("go", ...SCRIPT) });
  return sessionId;
}

/** A session whose turn waits for the one ask: its id, and the ask's. */
async function asked(server: ServerProcess): Promise<[string, string]> {
  const sessionId = await asking(server);
  const { asks } = await server.until(sessionId, ({ asks: open }) => open.length === 1);
  return [sessionId, asks[0]?.askId ?? ""];
}

const over = (server: ServerProcess, id: string) => server.until(id, ({ turn }) => turn === null);
const asleep = (server: ServerProcess, id: string) =>
  server.until(id, ({ runtime }) => !runtime.isLoaded && runtime.sandbox?.status === "terminated");

async function answer(server: ServerProcess, id: string, askId: string): Promise<number | null> {
  const response = await server.request("POST", `/sessions/${id}/asks/${askId}/answer`, ALLOW).catch(() => null);
  return response?.status ?? null;
}

test("a pending approval survives two kills of the server and the sandbox's sleep; another client answers, and the tool has its effect once", async () => {
  const first = await serve();
  const [id, askId] = await asked(first);
  await first.end("SIGKILL");

  const second = await serve(500);
  expect((await second.state(id)).asks).toMatchObject([{ askId, kind: "permission" }]);
  const sleeping = await asleep(second, id);
  expect(sleeping).toMatchObject({ turn: { deferred: true }, asks: [{ askId }], queue: [] });
  // What is sent meanwhile waits for the turn.
  await second.request("POST", `/sessions/${id}/message`, { content: "and then?" });
  expect((await asleep(second, id)).queue).toHaveLength(1);
  await second.end("SIGKILL");
  expect(far.effects).toEqual([]);

  await using third = await serve();
  const client = new WebSocket(`${third.url.replace("http", "ws")}/ws?sessionId=${id}`, [
    "agent-runtime.v1",
    `bearer.${Buffer.from("test-api-key").toString("base64url")}`,
  ]);
  const frames: { ack?: number; event?: string; data: Record<string, unknown> }[] = [];
  client.addEventListener("message", ({ data }) => frames.push(JSON.parse(String(data)) as (typeof frames)[number]));
  // What was asked long ago is told to who comes now.
  await expect
    .poll(() => frames.find(({ event }) => event === "session:ask:opened")?.data)
    .toMatchObject({
      ask: { askId },
    });
  client.send(JSON.stringify({ id: 1, event: "session:answer", data: { sessionId: id, askId, answer: ALLOW } }));
  const answered = { success: true, askId, answer: ALLOW, by: "api-key" };
  await expect.poll(() => frames.find(({ ack }) => ack === 1)?.data).toMatchObject(answered);
  await expect
    .poll(() => frames.find(({ event }) => event === "session:ask:resolved")?.data)
    .toMatchObject({
      askId,
      by: "api-key",
    });
  client.close();
  const state = await third.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  expect([results(state), said(state), far.effects]).toEqual([["did once"], ["done", "more"], ["once"]]);
  expect(state.runtime.sandbox?.restartCount).toBe(1);
  expect(await turnEnds(third, id)).toEqual(["completed", "completed"]);
  const turns = (await logOf(third, id)).map(({ type }) => type).filter((type) => /:turn:|:ask:/.test(type));
  expect(turns.slice(0, 6)).toEqual([
    "session:turn:started",
    "session:ask:opened",
    "session:turn:deferred",
    "session:ask:resolved",
    "session:turn:continued",
    "session:turn:completed",
  ]);
  // The model was told what the tool said, and the history is whole.
  expect(JSON.stringify(model.requests.at(-1)?.body)).toContain("did once");
});

test("an answer that was kept reaches the agent, wherever the server dies after it", async () => {
  const first = await serve(undefined, { AGENT_RUNTIME_FAILPOINT: "answer:after" });
  const [id, askId] = await asked(first);
  expect(await answer(first, id, askId)).toBeNull();
  await first.exited;
  const second = await serve();
  expect((await over(second, id)).asks).toEqual([]);
  expect(far.effects).toEqual(["once"]);
  // Whoever heard nothing asks again.
  expect(await answer(second, id, askId)).toBe(200);
  await second.end("SIGKILL");

  const third = await serve(500, { AGENT_RUNTIME_FAILPOINT: "continue:before" });
  const [other, otherAsk] = await asked(third);
  await asleep(third, other);
  expect(await answer(third, other, otherAsk)).toBe(200);
  await third.exited;
  await using fourth = await serve();
  const state = await over(fourth, other);
  expect([results(state), said(state), far.effects]).toEqual([["did once"], ["done"], ["once", "once"]]);
  expect(await turnEnds(fourth, other)).toEqual(["completed"]);
});

test("asks expire where nobody answers: in a running turn, and while the sandbox sleeps and the server is down", async () => {
  await writeProfile({ expiresAfterMs: 1_000 });
  const first = await serve();
  const id = await asking(first);
  const refused = await over(first, id);
  const opened = (await logOf(first, id)).find((event) => event.type === "session:ask:opened");
  const askId = opened?.type === "session:ask:opened" ? opened.data.ask.askId : "";
  expect(results(refused)).toEqual([expect.stringContaining("Nobody answered in time.")]);
  const late = await first.request("POST", `/sessions/${id}/asks/${askId}/answer`, ALLOW);
  expect([late.status, await late.json()]).toMatchObject([
    409,
    { error: "ask_resolved", detail: expect.stringContaining("has expired") as string },
  ]);
  await first.end("SIGTERM");

  const hour = 3_600_000;
  await writeProfile({ expiresAfterMs: hour, onExpiry: "allow" });
  const second = await serve(500);
  const [other] = await asked(second);
  // Somebody has to see to it that it expires: so the session stays with its server.
  const asleep = await second.until(other, ({ runtime }) => runtime.sandbox?.status === "terminated");
  expect([asleep.turn?.deferred, asleep.runtime.isLoaded]).toEqual([true, true]);
  await second.end("SIGTERM");
  await using third = await serve(hour, {
    NODE_OPTIONS: `--import ${SKEWED_CLOCK}`,
    CLOCK_SKEW_MS: String(2 * hour),
  });
  const state = await over(third, other);
  expect([results(state), said(state), far.effects]).toEqual([["did once"], ["done"], ["once"]]);
  const resolved = (await logOf(third, other)).find(({ type }) => type === "session:ask:resolved");
  expect(resolved?.data).toMatchObject({ by: "expiry", answer: ALLOW });
});

test("a server that dies while it puts a turn to sleep leaves it to the next one, which finds the sandbox or none", async () => {
  const dying = await serve(500, { AGENT_RUNTIME_FAILPOINT: "sync:before" });
  const id = await asking(dying);
  await dying.exited;
  // Its sandbox is still there, and has let go of the turn.
  const second = await serve();
  const found = await second.state(id);
  expect([found.turn?.deferred, found.asks.length, found.runtime.sandbox?.status]).toEqual([true, 1, "ready"]);
  expect(await answer(second, id, found.asks[0]?.askId ?? "")).toBe(200);
  expect(results(await over(second, id))).toEqual(["did once"]);
  expect(await turnEnds(second, id)).toEqual(["completed"]);
  // So that it is the other one that the next server puts to sleep.
  expect((await second.request("DELETE", `/sessions/${id}`)).status).toBe(204);
  await second.end("SIGKILL");

  const third = await serve(500, { AGENT_RUNTIME_FAILPOINT: "terminate:before" });
  const other = await asking(third);
  await third.exited;
  await using fourth = await serve();
  const { asks } = await fourth.state(other);
  expect(await answer(fourth, other, asks[0]?.askId ?? "")).toBe(200);
  expect(results(await over(fourth, other))).toEqual(["did once"]);
  expect([await turnEnds(fourth, other), far.effects]).toEqual([["completed"], ["once", "once"]]);
});
