import { script, startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

test("host-tool: the agent looks up what its customer may know, in the program that holds the orders", async () => {
  const model = await startScriptedModel();
  const folder = await mkdtemp(join(tmpdir(), "agent-example-"));
  const env = { PATH: process.env["PATH"], ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "model-key" };
  const lookup = (orderId: string) => ({ tools: [{ name: "mcp__host__lookupOrder", input: { orderId } }] });
  const question = script([lookup("o-1042"), lookup("o-1043"), { text: "Tomorrow." }]);
  try {
    const { stdout } = await run(process.execPath, [join(import.meta.dirname, "main.ts"), question], {
      cwd: folder,
      env,
    });
    expect(stdout.trim().split("\n")).toEqual([
      'lookupOrder {"orderId":"o-1042"}',
      "… asking the warehouse for o-1042",
      'success: {"orderId":"o-1042","status":"on its way, with you tomorrow"}',
      'lookupOrder {"orderId":"o-1043"}',
      "… asking the warehouse for o-1043",
      "error: The tool lookupOrder failed: There is no order o-1043 of this customer.",
      "Tomorrow.",
    ]);
  } finally {
    await model.close();
    await rm(folder, { recursive: true, force: true });
  }
});
