import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY, CANARY, said } from "../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";

const CLIENT = fileURLToPath(new URL("../testing/folding-client.ts", import.meta.url));
const WITH_SUBAGENTS = {
  id: "with-subagents",
  name: "With subagents",
  tools: ["Read", "Write", "Edit", "Bash", "Agent"],
};
let model: ScriptedModel;
let folder: string;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  model = await startScriptedModel();
  folder = await mkdtemp(join(tmpdir(), "main-job-"));
  await writeFile(
    join(folder, "agent-runtime.config.ts"),
    `export default { profiles: [${JSON.stringify(WITH_SUBAGENTS)}] };\n`,
  );
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  await endSandboxes(folder);
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(): Promise<ServerProcess> {
  const server = await startServerProcess({
    folder,
    modelUrl: model.url,
    flags: ["--persistence", "sqlite", "--sandbox", "local"],
  });
  servers.push(server);
  return server;
}

/** What a process that folds frames has at `seq`. */
async function foldedState(server: ServerProcess, sessionId: string, seq: number): Promise<string> {
  const client = spawn(process.execPath, [CLIENT, `${server.url.replace("http", "ws")}/ws`, API_KEY, sessionId], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  try {
    client.stdin.write(`${seq}\n`);
    for await (const line of createInterface({ input: client.stdout })) return line;
    throw new Error("the client ended without an answer");
  } finally {
    client.kill("SIGKILL");
  }
}

const subagentPrompt = `look around ${script([{ tools: [{ name: "Bash", input: { command: "echo from the subagent", description: "say" } }] }, { text: "the subagent's report" }])}`;
const steps = [
  {
    thinking: "First I think about it.",
    text: "I shall write a file.",
    tools: [{ name: "Write", input: { file_path: "/workspace/report.md", content: "# Report\n" } }],
  },
  { tools: [{ name: "Bash", input: { command: "wc -c < report.md", description: "count" } }] },
  {
    tools: [
      {
        name: "Agent",
        input: {
          description: "look around",
          prompt: subagentPrompt,
          subagent_type: "general-purpose",
          run_in_background: false,
        },
      },
    ],
  },
  { text: "All is done.", usage: { input: 100, output: 20 } },
  { text: "I remember the first turn." },
];

test("a real agent works in a real sandbox; a client that folds frames has the server's state; a restart keeps it all", async () => {
  const first = await serve();
  const created = await first.request("POST", "/sessions/create", {
    agentProfileRef: "with-subagents",
    architecture: "claude-agent-sdk",
  });
  expect(created.status).toBe(201);
  const { sessionId } = (await created.json()) as { sessionId: string };
  expect(
    (await first.request("POST", `/sessions/${sessionId}/message`, { content: `Please work. ${script(steps)}` }))
      .status,
  ).toBe(202);
  const done = await first.until(
    sessionId,
    ({ turn, queue, lastSeq }) => turn === null && queue.length === 0 && lastSeq > 10,
  );

  expect(done.blocks.map((block) => block.type)).toEqual(
    expect.arrayContaining(["user_message", "thinking", "assistant_text", "tool_use", "tool_result", "subagent"]),
  );
  expect(said(done)).toEqual(["I shall write a file.", "All is done."]);
  const tools = done.blocks.flatMap((block) => (block.type === "tool_use" ? [[block.toolName, block.status]] : []));
  expect(tools).toEqual([
    ["Write", "success"],
    ["Bash", "success"],
    ["Agent", "success"],
  ]);
  const results = done.blocks.flatMap((block) => (block.type === "tool_result" ? [block] : []));
  expect(results[1]).toMatchObject({ content: "9", isError: false });
  expect(results[1]?.durationMs).toBeGreaterThan(0);
  expect(done.subagents).toMatchObject([{ status: "completed" }]);
  const inner = done.subagents[0]?.blocks ?? [];
  expect(inner.map((block) => block.type)).toEqual(["user_message", "tool_use", "tool_result", "assistant_text"]);
  expect(inner.at(-1)).toMatchObject({ content: "the subagent's report" });
  expect(done.workspaceFiles).toMatchObject([{ path: "report.md", content: "# Report\n", size: 9 }]);
  expect(done.sessionMetadata.usage.outputTokens).toBeGreaterThanOrEqual(20);
  expect(done.sessionMetadata.costUSD).toBeGreaterThan(0);
  expect(await foldedState(first, sessionId, done.lastSeq)).toBe(await first.stateText(sessionId));

  expect(await first.end("SIGTERM")).toBe(0);
  const second = await serve();
  const kept = await second.state(sessionId);
  // The end of its sandbox is all that came to it.
  const other = { runtime: null, sandboxes: [], lastSeq: 0, lastActivity: "" };
  expect({ ...kept, ...other }).toEqual({ ...done, ...other });
  expect(kept.sandboxes).toMatchObject([{ ...done.sandboxes?.[0], status: "terminated" }]);
  expect(await foldedState(second, sessionId, kept.lastSeq)).toBe(await second.stateText(sessionId));

  await second.request("POST", `/sessions/${sessionId}/message`, { content: "Do you remember?" });
  const resumed = await second.until(
    sessionId,
    ({ turn, queue, blocks }) => turn === null && queue.length === 0 && blocks.length > done.blocks.length + 1,
  );
  expect(said(resumed).at(-1)).toBe("I remember the first turn.");
  expect(await foldedState(second, sessionId, resumed.lastSeq)).toBe(await second.stateText(sessionId));
  expect(model.requests.every(({ headers }) => headers["x-api-key"] === CANARY)).toBe(true);
  expect(first.output() + second.output()).not.toContain(CANARY);
});
