import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { script, startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { expect, onTestFinished, test } from "vitest";
import { foundingServer, type FoundingServer } from "../testing/founding-server.ts";
import { convexPersistence } from "./index.ts";
import { TEST_SECRET, type TestDeployment } from "./testing/deployment.ts";
import { deploymentForTest } from "./testing/stores.ts";

process.env["AGENT_RUNTIME_SECRET"] = TEST_SECRET;

const WORDS = script([{ text: "one" }, { text: "two" }, { text: "three" }]);

async function serverOn(deployment: TestDeployment, modelUrl: string): Promise<FoundingServer> {
  const dataDir = await mkdtemp(join(tmpdir(), "two-servers-"));
  const adapter = convexPersistence({ url: deployment.url, secret: TEST_SECRET, cluster: true });
  const server = await foundingServer(adapter, { dataDir, modelUrl });
  let ended: Promise<void> | undefined;
  const shutdown = (): Promise<void> => (ended ??= server.shutdown());
  onTestFinished(async () => {
    await shutdown();
    await rm(dataDir, { recursive: true, force: true });
  });
  return { ...server, shutdown };
}

const said = ({ blocks }: SessionState): string[] =>
  blocks.flatMap((block) => (block.type === "assistant_text" ? [block.content] : []));

test(
  "two servers share a deployment: each takes requests for the other's session, and has it when the other ends",
  { timeout: 120_000 },
  async () => {
    const deployment = await deploymentForTest();
    const model = await startScriptedModel();
    onTestFinished(() => model.close());
    const [one, two] = [await serverOn(deployment, model.url), await serverOn(deployment, model.url)];
    const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
    const created = await one.call("POST", "/sessions/create", body);
    const { sessionId } = created.json as { sessionId: string };
    const send = async (server: FoundingServer, content: string): Promise<void> => {
      const { status, json } = await server.call("POST", `/sessions/${sessionId}/message`, { content });
      expect([status, json]).toMatchObject([202, {}]);
    };
    await send(one, WORDS);
    const first = await two.idle(sessionId, 8);
    expect(said(first)).toEqual(["one"]);
    await send(two, "go on");
    const second = await one.idle(sessionId, first.lastSeq + 4);
    expect(said(second)).toEqual(["one", "two"]);
    expect(deployment.calls.some(({ path }) => path.endsWith("commands:send"))).toBe(true);
    const nodes = await deployment.look(async ({ db }) => {
      const logs = await db.query("agentRuntimeLogs").collect();
      return logs.map(({ node }) => node);
    });
    expect(nodes).toHaveLength(1);
    await one.shutdown();
    await send(two, "and now");
    const third = await two.idle(sessionId, second.lastSeq + 4);
    expect(said(third)).toEqual(["one", "two", "three"]);
    expect((await two.call("DELETE", `/sessions/${sessionId}`)).status).toBe(204);
  },
);
