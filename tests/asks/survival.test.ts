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

let folder: string;
let model: ScriptedModel;
let far: FarTool;
beforeEach(async () => {
  [folder, model, far] = await Promise.all([
    mkdtemp(join(tmpdir(), "agent-runtime-test-")),
    startScriptedModel(),
    startFarTool(),
  ]);
  const profile = {
    name: "Asker",
    model: MODEL,
    tools: ["Bash"],
    externalMCPs: [{ type: "http", name: "far", url: far.url }],
    permissions: { ask: ["mcp__far__effect"] },
  };
  await mkdir(join(folder, "profiles", "asker"), { recursive: true });
  await writeFile(join(folder, "profiles", "asker", "profile.json"), JSON.stringify(profile));
});
afterEach(async () => {
  await endSandboxes(folder);
  await Promise.all([model.close(), far[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true, force: true });
});

/** A server on the same data. `idleMs`: after how long it lets a session sleep. */
function serve(idleMs = 3_600_000, failpoint?: string): Promise<ServerProcess> {
  return startServerProcess({
    folder,
    modelUrl: model.url,
    flags: ["--profiles", join(folder, "profiles"), "--allowed-hosts", far.place, "--idle-timeout-ms", String(idleMs)],
    environment: failpoint === undefined ? {} : { AGENT_RUNTIME_FAILPOINT: failpoint },
  });
}

const SCRIPT = [{ text: "first" }, { tools: [effect("once")] }, { text: "done" }, { text: "more" }];

/** A session whose turn waits for the one ask: its id, and the ask's. */
async function asked(server: ServerProcess): Promise<[string, string]> {
  const body = { agentProfileRef: "asker", architecture: "claude-agent-sdk" };
  const created = await server.request("POST", "/sessions/create", body);
  const { sessionId } = (await created.json()) as { sessionId: string };
  await server.request("POST", `/sessions/${sessionId}/message`, { content: prompt("go", ...SCRIPT.slice(1)) });
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
  const client = new WebSocket(`${third.url.replace("http", "ws")}/ws`, [
    "agent-runtime.v1",
    `bearer.${Buffer.from("test-api-key").toString("base64url")}`,
  ]);
  const ack = new Promise<unknown>((resolve, reject) => {
    client.addEventListener("message", ({ data }) => resolve(JSON.parse(String(data))));
    client.addEventListener("error", () => reject(new Error("the WebSocket failed")));
  });
  client.addEventListener("open", () =>
    client.send(JSON.stringify({ id: 1, event: "session:answer", data: { sessionId: id, askId, answer: ALLOW } })),
  );
  expect(await ack).toMatchObject({ ack: 1, data: { success: true, askId, answer: ALLOW, by: "api-key" } });
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
  const first = await serve(undefined, "answer:after");
  const [id, askId] = await asked(first);
  expect(await answer(first, id, askId)).toBeNull();
  await first.exited;
  const second = await serve();
  expect((await over(second, id)).asks).toEqual([]);
  expect(far.effects).toEqual(["once"]);
  // Whoever heard nothing asks again.
  expect(await answer(second, id, askId)).toBe(200);
  await second.end("SIGKILL");

  const third = await serve(500, "continue:before");
  const [other, otherAsk] = await asked(third);
  await asleep(third, other);
  expect(await answer(third, other, otherAsk)).toBe(200);
  await third.exited;
  await using fourth = await serve();
  const state = await over(fourth, other);
  expect([results(state), said(state), far.effects]).toEqual([["did once"], ["done"], ["once", "once"]]);
  expect(await turnEnds(fourth, other)).toEqual(["completed"]);
});
