import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

let model: ScriptedModel;
let folder: string;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "agent-example-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = promisify(execFile);

test.each([
  ["allow", "allow by api-key", "Gone.", ""],
  ["keep it", "deny by api-key", "It stays.", "old.txt"],
])("approval: another process says %s", async (word, told, ...after) => {
  const [said, files] = after;
  const tools = [{ name: "Bash", input: { command: "rm old.txt", description: "Remove" } }];
  const main = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), script([{ tools }, { text: said }])], {
    cwd: folder,
    env: { PATH: process.env["PATH"], ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "model-key" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(main, "exit");
  try {
    let output = "";
    const where = Promise.withResolvers<string[]>();
    main.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      const found = /waiting: node approve\.ts (\S+) (\S+)\n/.exec(output);
      if (found !== null) where.resolve(found.slice(1));
    });
    main.once("exit", () => where.reject(new Error(output)));
    const approve = [join(import.meta.dirname, "approve.ts"), ...(await where.promise), word];
    const { stdout } = await run(process.execPath, approve);
    expect(stdout).toBe(`May the agent use Bash: rm old.txt\n${told}\n`);
    expect(await exit).toEqual([0, null]);
    expect(output.split("\n").slice(1)).toEqual([said, `files: ${files}`, ""]);
  } finally {
    main.kill("SIGKILL");
  }
});
