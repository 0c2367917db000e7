import { startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

test("fork: a session and its fork go different ways from one turn, and the session goes back to it", async () => {
  const model = await startScriptedModel();
  const folder = await mkdtemp(join(tmpdir(), "agent-example-"));
  const env = { PATH: process.env["PATH"], ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "model-key" };
  try {
    const { stdout } = await run(process.execPath, [join(import.meta.dirname, "main.ts")], { cwd: folder, env });
    const plan = "Write a plan for a web shop to plan.md.";
    const lines = stdout.split("\n").filter((line) => line.includes(" -> "));
    expect(lines.map((line) => line.replace(/ -> .*/, ""))).toEqual([
      `session: ${plan} | Build it with a framework.`,
      `fork: ${plan} | Build it without any framework.`,
      `session, gone back: ${plan}`,
    ]);
  } finally {
    await model.close();
    await rm(folder, { recursive: true, force: true });
  }
});
