import { tool, type AgentRuntimeConfig } from "@hhopkins/agent-runtime";
import { memoryPersistence, sharedMemory } from "@hhopkins/agent-runtime/persistence/memory";
import { startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { startCluster, type ClusterUnderTest } from "../testing/cluster-under-test.ts";
import { prompt } from "../testing/prompts.ts";
import { said, startRuntime } from "../testing/runtime-under-test.ts";
import type { ServerProcess } from "../testing/server-process.ts";

/** For a busy machine. */
const PATIENT = { timeout: 60_000 };
const program = join(import.meta.dirname, "tool-server.ts");

let cluster: ClusterUnderTest;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

test("of several servers only the one that has the session runs a call; when it is killed the next one goes on", async () => {
  const folder = cluster.folder("a");
  const start = (name: string): Promise<ServerProcess> =>
    cluster.node(name, { program, environment: { TOOLS_FOLDER: folder, TOOLS_NODE: name } });
  const effects = (): string[] => {
    const file = join(folder, "effects");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  };
  const a = await start("a");
  const sessionId = await cluster.create(a);
  const content = prompt("call", { tools: [{ name: "mcp__host__read", input: {} }] }, { text: "told" });
  expect((await a.request("POST", `/sessions/${sessionId}/message`, { content })).status).toBe(202);
  await expect.poll(effects, PATIENT).toHaveLength(1);
  const b = await start("b");
  const { hostToolCalls = [] } = await b.state(sessionId);
  expect(hostToolCalls).toMatchObject([{ toolName: "read" }]);
  const [{ callId } = { callId: "" }] = hostToolCalls;
  expect(effects()).toEqual([`read ${callId} a`]);
  await a.end("SIGKILL");
  await expect.poll(effects, PATIENT).toEqual([`read ${callId} a`, `read ${callId} b`]);
  writeFileSync(join(folder, "go-read"), "");
  const done = await b.until(sessionId, ({ turn }) => turn === null);
  expect(done.blocks.filter(({ type }) => type === "tool_result")).toMatchObject([{ content: "read is done" }]);
  expect(done.blocks.at(-1)).toMatchObject({ content: "told" });
  expect(effects()).toHaveLength(2);
});

test("a server that is shut down hands a session over when its call has ended, so that it need not run again", async () => {
  const model = await startScriptedModel();
  const dataDir = await mkdtemp(join(tmpdir(), "host-tool-handover-"));
  const memory = sharedMemory();
  const ran: string[] = [];
  const paid = Promise.withResolvers<string>();
  const server = (name: string) => {
    const run = (): Promise<string> => {
      ran.push(name);
      return paid.promise;
    };
    const tools: AgentRuntimeConfig["tools"] = { pay: tool({ description: "Pays.", input: z.object({}), run }) };
    const persistence = memoryPersistence({ memory });
    return startRuntime({ persistence, tools, shutdownGraceMs: 600_000 }, { dataDir, model });
  };
  const first = await server("first");
  const id = await first.create();
  await first.send(id, prompt("pay", { tools: [{ name: "mcp__host__pay", input: {} }] }, { text: "thanks" }));
  await expect.poll(() => ran, PATIENT).toEqual(["first"]);
  const second = await server("second");
  const over = first.runtime.shutdown();
  const create = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  const refused = async () => (await first.request("POST", "/sessions/create", create)).status;
  await expect.poll(refused, PATIENT).toBe(503);
  paid.resolve("paid");
  await over;
  const done = await second.until(id, ({ turn }) => turn === null);
  expect(done.blocks.filter(({ type }) => type === "tool_result")).toMatchObject([{ content: "paid", isError: false }]);
  expect([ran, said(done)]).toEqual([["first"], ["thanks"]]);
  await second[Symbol.asyncDispose]();
  await model.close();
  await rm(dataDir, { recursive: true, force: true });
});
