import { script } from "@hhopkins/agent-runtime-testkit";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { startConsoleUnderTest } from "./testing/console-under-test.ts";

test("look", async () => {
  const profile = { id: "files", name: "Files", tools: ["Read", "Write", "Edit", "Bash", "Agent"] };
  await using tested = await startConsoleUnderTest({
    prepare: (folder) =>
      writeFile(
        join(folder, "agent-runtime.config.ts"),
        `export default { profiles: [${JSON.stringify(profile)}] };\n`,
      ),
  });
  const id = await tested.createSession({
    agentProfileRef: "files",
    name: "Tidy the greeting",
    defaultWorkspaceFiles: [
      {
        path: "src/app.ts",
        content: 'import { greet } from "./greet.ts";\n\nconst name = "world";\nconsole.log(greet(name));\n',
      },
      {
        path: "src/greet.ts",
        content: "export function greet(name: string): string {\n  return `Hello, ${name}`;\n}\n",
      },
      { path: "README.md", content: "# Greeter\n" },
      { path: "old.txt", content: "x\n" },
    ],
  });
  await tested.send(
    id,
    `Please tidy the greeting and tell me what you did. ${script([
      {
        thinking: "I look at it first.",
        text: "I shall look at the program first.",
        tools: [{ name: "Read", input: { file_path: "/workspace/src/app.ts" } }],
      },
      {
        text: "Now I change it.",
        tools: [
          {
            name: "Edit",
            input: { file_path: "/workspace/src/app.ts", old_string: '"world"', new_string: '"everyone"' },
          },
          {
            name: "Bash",
            input: { command: "rm old.txt; mkdir -p test; echo 'test' > test/app.test.ts", description: "Clean up" },
          },
        ],
      },
      { text: "It greets everyone now." },
    ])}`,
  );
  const idle = () => tested.server.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  await idle();
  await tested.send(id, `And again. ${script([{ text: "Once more, with feeling." }])}`);
  await idle();
  for (const theme of ["light", "dark"] as const) {
    const { page } = await tested.open({
      path: `/sessions/${id}/files/${encodeURIComponent("src/app.ts")}`,
      colorScheme: theme,
    });
    const shot = async (name: string) => {
      await page.waitForTimeout(500);
      await page.screenshot({ path: `/tmp/c4-${name}-${theme}.png` });
    };
    await page.getByRole("treeitem", { name: "app.ts modified" }).waitFor();
    await shot("files");
    await page.getByRole("button", { name: "Changes" }).click();
    await shot("diff");
    await page.getByRole("tab", { name: "Events" }).click();
    await page.getByRole("listbox").press("Home");
    await page.getByRole("listbox").press("ArrowDown");
    await page.getByRole("listbox").press("ArrowDown");
    await shot("events");
    await page.getByRole("button", { name: "Show the session here" }).click();
    await shot("past");
    await page.getByRole("button", { name: "Back to now" }).click();
    await page.getByRole("tab", { name: "Usage" }).click();
    await shot("usage");
    await page.getByRole("tab", { name: "Sandbox" }).click();
    await shot("sandbox");
    await page.setViewportSize({ width: 390, height: 780 });
    await shot("phone-sandbox");
    await page.goto(page.url().replace(/sandbox.*/, `events?seq=30`));
    await shot("phone-events");
    await page.goto(page.url().replace(/events.*/, ``));
    await shot("phone");
  }
});
