import { script, startScriptedModel, type ScriptedModel, type ScriptStep } from "@hhopkins/agent-runtime-testkit";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
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

/** What an example prints that is run in a folder of its own. */
async function printed(example: string, ...parameters: string[]): Promise<string> {
  const env = { PATH: process.env["PATH"], ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "model-key" };
  const file = join(import.meta.dirname, example, "main.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...parameters], {
    cwd: folder,
    env,
    timeout: 100_000,
  });
  return stdout;
}

test("structured-result: an object of the schema, or why there is none", async () => {
  const give = (input: Record<string, unknown>): ScriptStep => ({ tools: [{ name: "StructuredOutput", input }] });
  const items = [{ name: "tea", count: 2, price: 3.5 }];
  const bill = await printed(
    "structured-result",
    `two teas ${script([give({ items, total: "7" }), give({ items, total: 7 })])}`,
  );
  expect(bill).toContain("2 × tea at 3.5\ntotal: 7\n");
  const none = await printed("structured-result", `nothing ${script([{ text: "I do not know." }, { text: "No." }])}`);
  expect(none).toContain("invalid_result: The agent ended its turn without a result");
});

test("attachments: the model sees a picture, and the agent reads a file", async () => {
  const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  await writeFile(join(folder, "dot.png"), Buffer.from(pixel, "base64"));
  await writeFile(join(folder, "prices.csv"), "tea,3.50\n");
  const steps = [{ tools: [{ name: "Bash", input: { command: "cat attachments/*/prices.csv" } }] }, { text: "Tea." }];
  const said = await printed("attachments", `look ${script(steps)}`, "dot.png", "prices.csv");
  expect(said).toContain("dot.png: seen by the model");
  expect(said).toMatch(/prices\.csv: attachments\/[^/]+\/prices\.csv/);
  expect(said).toContain("Tea.");
  const asked = JSON.stringify(model.requests.at(-1)?.body);
  expect(asked).toContain(pixel);
  expect(asked).toContain("tea,3.50");
});
