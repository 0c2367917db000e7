import { createAgentClient, type AgentClient } from "@hhopkins/agent-runtime-client";
import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

const KEY = "example-key";

let model: ScriptedModel;
let folder: string;
let server: ChildProcess | undefined;

beforeAll(async () => {
  model = await startScriptedModel();
});

afterAll(() => model.close());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "agent-example-"));
});

afterEach(async () => {
  server?.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

/** Starts an example in a folder of its own, and answers a client of it when it listens. */
async function started(example: string): Promise<AgentClient> {
  const child = spawn(process.execPath, [join(import.meta.dirname, example)], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      PORT: "0",
      API_KEY: KEY,
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: "model-key",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  server = child;
  let said = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    said += chunk;
    const port = /port: (\d+)/.exec(said)?.[1];
    if (port !== undefined) return createAgentClient({ baseUrl: `http://127.0.0.1:${port}`, apiKey: KEY });
  }
  throw new Error(`${example} ended: ${said}`);
}

/** Sends a message and answers the state after its turn. */
async function answered(client: AgentClient, profile: string) {
  const { sessionId } = await client.createSession({ agentProfileRef: profile, architecture: "claude-agent-sdk" });
  const over = Promise.withResolvers<void>();
  const following = client.follow(sessionId, {
    onState: ({ blocks, queue, turn }) => {
      if (blocks.length > 0 && queue.length === 0 && turn === null) over.resolve();
    },
  });
  const tools = [{ name: "Write", input: { file_path: "/workspace/said.txt", content: "hello" } }];
  await client.sendMessage(sessionId, script([{ tools }, { text: "Written." }]));
  await over.promise;
  following.stop();
  return client.getSession(sessionId);
}

async function ended(): Promise<number | null> {
  const exit = once(server as ChildProcess, "exit");
  server?.kill("SIGTERM");
  return ((await exit) as [number | null])[0];
}

test("embedded: the defaults in at most 15 lines answer with a real agent in a real sandbox", async () => {
  const state = await answered(await started("embedded/server.ts"), "default");
  expect(state.blocks.at(-1)).toMatchObject({ type: "assistant_text", content: "Written." });
  expect(state.workspaceFiles).toMatchObject([{ path: "said.txt", content: "hello" }]);
  expect(await ended()).toBe(0);
});

test("embedded: the README shows exactly this file, of at most 15 lines", async () => {
  const source = await readFile(join(import.meta.dirname, "embedded/server.ts"), "utf8");
  const readme = await readFile(join(import.meta.dirname, "../README.md"), "utf8");
  expect(source.trimEnd().split("\n").length).toBeLessThanOrEqual(15);
  expect(readme).toContain(`\`\`\`ts\n${source}\`\`\`\n`);
});

test("minimal-server: adapters and a profile of one's own; everything is there after a restart", async () => {
  const state = await answered(await started("minimal-server/server.ts"), "reviewer");
  expect(state.blocks.at(-1)).toMatchObject({ type: "assistant_text", content: "Written." });
  expect(state.workspaceFiles.map(({ path }) => path)).toEqual(["REVIEW.md", "said.txt"]);
  expect(await ended()).toBe(0);
  const again = await (await started("minimal-server/server.ts")).getSession(state.sessionId);
  expect(again.blocks).toEqual(state.blocks);
  expect(again.workspaceFiles).toEqual(state.workspaceFiles);
  expect(await ended()).toBe(0);
});
