import { script } from "@hhopkins/agent-runtime-testkit";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PICTURES } from "../testing/pictures.ts";
import { startConsoleUnderTest, type ConsoleUnderTest } from "./testing/console-under-test.ts";

const PROFILE = {
  id: "crew",
  name: "Crew",
  tools: ["Read", "Write", "Edit", "Bash", "Agent", "TodoWrite"],
};
let tested: ConsoleUnderTest;

beforeAll(async () => {
  tested = await startConsoleUnderTest({
    prepare: (folder) =>
      writeFile(
        join(folder, "agent-runtime.config.ts"),
        `export default { profiles: [${JSON.stringify(PROFILE)}] };\n`,
      ),
  });
});
afterAll(() => tested[Symbol.asyncDispose]());

const poem = "# Autumn\n\nLeaves keep the light\nthat the day has let go.\n";
const subagentPrompt = `look around ${script([
  {
    text: "I shall look.",
    tools: [{ name: "Bash", input: { command: "echo from the subagent", description: "say" } }],
  },
  { text: "the subagent's report" },
])}`;
const answer = [
  "There it is: **poem.md**, four lines.",
  "",
  "| file | lines |",
  "|---|---:|",
  "| [the poem](poem.md) | 4 |",
  "",
  "- [x] written",
  "- [ ] printed",
  "",
  "```ts",
  "const light = (day: number) => day ** 2; // it falls",
  "```",
  "",
  "See <https://example.com/poems> too.",
].join("\n");
const steps = [
  {
    thinking: "A short poem would be good; I shall put it into a file.",
    text: "I am going to write a short poem about autumn for you, and then I read it back to see that it is there.",
    chunk: 4,
    delayMs: 25,
    tools: [{ name: "Write", input: { file_path: "/workspace/poem.md", content: poem } }],
  },
  {
    tools: [
      { name: "Edit", input: { file_path: "/workspace/poem.md", old_string: "the light", new_string: "the gold" } },
      { name: "Bash", input: { command: "printf '\\033[31mred\\033[0m %s\\n' $(seq 40)", description: "Count" } },
    ],
  },
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
  { text: answer },
];

test("one sends by the page and sees text grow, the tools, what they changed, a subagent's thread, and the answer", async () => {
  const sessionId = await tested.createSession({ agentProfileRef: "crew" });
  const { page } = await tested.open({ path: `/sessions/${sessionId}` });
  await page.getByLabel("Message", { exact: true }).fill(`Write me a poem. ${script(steps)}`);
  await page.getByLabel("Message", { exact: true }).press("Enter");
  const messages = page.getByRole("feed", { name: "Messages" });
  await messages.getByRole("link", { name: "https://example.com/poems" }).waitFor();
  await page.screenshot({ path: "/tmp/c2-1.png" });
  await messages.evaluate((e) => (e.scrollTop = 0));
  await page.waitForTimeout(300);
  await page.screenshot({ path: "/tmp/c2-2.png" });
  await messages.getByRole("button", { name: /^Subagent/ }).click();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForTimeout(500);
  await page.screenshot({ path: "/tmp/c2-3.png" });
  expect(await messages.getByRole("button", { name: /^Write/ }).count()).toBe(1);
});
