import { script, startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

test(
  "mcp-servers: bundled, by command, by http and by sse, each offered and called",
  { timeout: 300_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "agent-example-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const model = await startScriptedModel();
    onTestFinished(() => model.close());
    const calls: Record<string, object> = {
      mcp__weather__forecast: { town: "Oslo" },
      "mcp__old-weather__forecast": { town: "Rome" },
      mcp__notes__add: { text: "Sun" },
      mcp__diary__add: { text: "Sun" },
    };
    const steps = Object.entries(calls).map(([name, input]) => ({ tools: [{ name, input: { ...input } }] }));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(import.meta.dirname, "main.ts"), `Go on. ${script([...steps, { text: "It is noted." }])}`],
      {
        cwd: folder,
        env: { PATH: process.env["PATH"], ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "model-key" },
      },
    );
    expect(model.requests.find(({ body }) => body !== undefined)?.toolNames).toEqual(
      expect.arrayContaining(Object.keys(calls)),
    );
    const [bundled, diary] = ["the-bundled-one", "the-one-by-command"].map((name) => `1 notes are kept in ${name}`);
    for (const said of ["Sun in Oslo", "Sun in Rome", bundled, diary, "It is noted."])
      expect(stdout).toContain(`${said}\n`);
  },
);
