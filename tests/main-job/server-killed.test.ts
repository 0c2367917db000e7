import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { processTree } from "../testing/process-tree.ts";
import { said } from "../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";

let model: ScriptedModel;
let folder: string;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  model = await startScriptedModel();
  folder = await mkdtemp(join(tmpdir(), "server-killed-"));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});
afterAll(async () => {
  await endSandboxes(folder);
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(): Promise<ServerProcess> {
  const server = await startServerProcess({ folder, modelUrl: model.url });
  servers.push(server);
  return server;
}

/** Pids of the sandbox's runner and of its harnesses. */
async function sandboxProcesses(sandboxId: string): Promise<{ runner: number[]; harness: number[] }> {
  const record = JSON.parse(await readFile(join(folder, "data", "sandboxes", sandboxId, "sandbox.json"), "utf8")) as {
    process: { pid: number };
  };
  const tree = await processTree(record.process.pid);
  const pids = (program: RegExp): number[] => tree.filter(({ command }) => program.test(command)).map(({ pid }) => pid);
  // A shell beside the runner, which waits to start other programs, names the same file.
  return { runner: pids(/^\S*node \S*runner\.mjs/), harness: pids(/^\S*claude-agent-sdk-/) };
}

test("after kill -9 between turns a new server attaches to the same runner; no second harness starts", async () => {
  const first = await serve();
  const created = await first.request("POST", "/sessions/create", {
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
  });
  const { sessionId } = (await created.json()) as { sessionId: string };
  await first.request("POST", `/sessions/${sessionId}/message`, {
    content: `go ${script([{ text: "before" }, { text: "after" }])}`,
  });
  const before = await first.until(sessionId, ({ turn, blocks }) => turn === null && blocks.length === 2);
  const sandboxId = before.runtime.sandbox?.sandboxId ?? "";
  const processes = await sandboxProcesses(sandboxId);
  expect(processes).toEqual({ runner: [expect.any(Number)], harness: [expect.any(Number)] });
  await first.end("SIGKILL");

  const second = await serve();
  const adopted = await second.state(sessionId);
  expect(adopted.blocks).toEqual(before.blocks);
  expect(adopted.runtime).toMatchObject({ isLoaded: true, sandbox: { sandboxId, status: "ready", restartCount: 0 } });
  await second.request("POST", `/sessions/${sessionId}/message`, { content: "and now?" });
  const after = await second.until(sessionId, ({ turn, blocks }) => turn === null && blocks.length === 4);
  expect(said(after)).toEqual(["before", "after"]);
  expect(await sandboxProcesses(sandboxId)).toEqual(processes);

  expect(await second.end("SIGTERM")).toBe(0);
  expect(await processTree(processes.runner[0] ?? 0)).toEqual([]);
});

test("a turn goes on while no server runs, and nothing of it is lost or doubled", async () => {
  const first = await serve();
  const created = await first.request("POST", "/sessions/create", {
    agentProfileRef: "default",
    architecture: "claude-agent-sdk",
  });
  const { sessionId } = (await created.json()) as { sessionId: string };
  const wait = {
    name: "Bash",
    input: { command: "until [ -e go ]; do sleep 0.1; done; echo waited", description: "wait" },
  };
  const steps = [{ text: "I wait.", tools: [wait] }, { text: "It came." }];
  await first.request("POST", `/sessions/${sessionId}/message`, { content: `go ${script(steps)}` });
  await first.until(sessionId, ({ blocks }) =>
    blocks.some((block) => block.type === "tool_use" && block.status === "running"),
  );
  await first.end("SIGKILL");
  await writeFile(join(folder, "data", "sandboxes", `${sessionId}-1`, "workspace", "go"), "");

  const second = await serve();
  const after = await second.until(sessionId, ({ turn }) => turn === null);
  expect(said(after)).toEqual(["I wait.", "It came."]);
  expect(after.blocks.map((block) => block.type)).toEqual([
    "user_message",
    "assistant_text",
    "tool_use",
    "tool_result",
    "assistant_text",
  ]);
  expect(after.workspaceFiles).toMatchObject([{ path: "go", size: 0 }]);
  await second.end("SIGTERM");
});
