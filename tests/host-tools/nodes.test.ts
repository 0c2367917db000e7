import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCluster, type ClusterUnderTest } from "../testing/cluster-under-test.ts";
import { prompt } from "../testing/prompts.ts";
import type { ServerProcess } from "../testing/server-process.ts";

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
  await expect.poll(effects).toHaveLength(1);
  const b = await start("b");
  const { hostToolCalls = [] } = await b.state(sessionId);
  expect(hostToolCalls).toMatchObject([{ toolName: "read" }]);
  const [{ callId } = { callId: "" }] = hostToolCalls;
  expect(effects()).toEqual([`read ${callId} a`]);
  await a.end("SIGKILL");
  await expect.poll(effects, { timeout: 60_000 }).toEqual([`read ${callId} a`, `read ${callId} b`]);
  writeFileSync(join(folder, "go-read"), "");
  const done = await b.until(sessionId, ({ turn }) => turn === null);
  expect(done.blocks.filter(({ type }) => type === "tool_result")).toMatchObject([{ content: "read is done" }]);
  expect(done.blocks.at(-1)).toMatchObject({ content: "told" });
  expect(effects()).toHaveLength(2);
});
