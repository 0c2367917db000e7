import { script, startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("subagents: two at once, each with a conversation and a cost of its own", async () => {
  const model = await startScriptedModel();
  const folder = await mkdtemp(join(tmpdir(), "agent-example-"));
  const env = { PATH: process.env["PATH"], ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "model-key" };
  // Each waits for a sign of the other one.
  const meet = (mine: string, other: string) => ({
    name: "Bash",
    input: {
      command: `touch ${mine}; until [ -e ${other} ]; do sleep 0.1; done`,
      description: "Meet",
      timeout: 60_000,
    },
  });
  const ask = (name: string, says: string, tool: object) => ({
    name: "Agent",
    input: {
      description: "Ask",
      subagent_type: name,
      run_in_background: true,
      prompt: `Tea? ${script([{ tools: [tool as ReturnType<typeof meet>] }, { text: says }])}`,
    },
  });
  const steps = [
    { tools: [ask("optimist", "It is warm.", meet("a", "b")), ask("pessimist", "It is wet.", meet("b", "a"))] },
    { text: "I have asked both." },
    { text: "They say: warm and wet." },
    { text: "As I said." },
  ];
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, "main.ts"), `Tea? ${script(steps)}`],
      { cwd: folder, env },
    );
    expect(stdout).toContain("2 subagents at once");
    expect(stdout).toMatch(/optimist, completed: It is warm\.\n {2}4 blocks, 30 tokens, \$0\.000\d+/);
    expect(stdout).toMatch(/pessimist, completed: It is wet\.\n {2}4 blocks, 30 tokens, \$0\.000\d+/);
    expect(stdout).toContain("editor: They say: warm and wet.");
  } finally {
    await model.close();
    await rm(folder, { recursive: true, force: true });
  }
});
