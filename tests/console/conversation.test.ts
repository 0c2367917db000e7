import { script } from "@hhopkins/agent-runtime-testkit";
import type { Locator } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { PICTURES } from "../testing/pictures.ts";
import { startConsoleUnderTest, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { conversation, go, say } from "./testing/session-parts.ts";

const PROFILE = {
  id: "crew",
  name: "Crew",
  tools: ["Read", "Write", "Edit", "Bash", "Agent", "TodoWrite"],
};
let tested: ConsoleUnderTest;

beforeAll(async () => {
  tested = await startConsoleUnderTest({ profiles: [PROFILE] });
});
afterEach(() => tested.closeTabs());
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
    delayMs: 50,
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

/** In the page: keeps the lengths that the first answer had when it changed. */
function noteGrowth(): void {
  const lengths: number[] = [];
  new MutationObserver(() => {
    const text = [...document.querySelectorAll("[role=feed] p")].find(({ textContent }) =>
      textContent?.startsWith("I am going"),
    );
    const length = text?.textContent?.length ?? 0;
    if (length > 0 && length !== lengths.at(-1)) lengths.push(length);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
  Object.assign(globalThis, { lengths });
}

test("one sends by the page and sees text grow, the tools, what they changed, a subagent's thread, and the answer", async () => {
  const sessionId = await tested.createSession({ agentProfileRef: "crew" });
  const { page } = await tested.open({
    path: `/sessions/${sessionId}`,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const feed = conversation(page);
  await page.evaluate(noteGrowth);
  await say(page, `Write me a poem. ${script(steps)}`);
  const link = feed.getByRole("link", { name: "https://example.com/poems" });
  await link.waitFor();
  // It was seen while it grew: several lengths, each more than the one before.
  const lengths = await page.evaluate(() => (globalThis as unknown as { lengths: number[] }).lengths);
  expect(lengths.length).toBeGreaterThan(3);
  expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  expect([await link.getAttribute("rel"), await link.getAttribute("target")]).toEqual([
    "noopener noreferrer",
    "_blank",
  ]);
  await feed.getByRole("cell", { name: "4", exact: true }).waitFor();
  await feed.getByRole("img", { name: "to do", exact: true }).waitFor();
  const code = feed.getByRole("region", { name: "Code" });
  await expect.poll(() => code.locator(".hljs-keyword").allTextContents()).toEqual(["const"]);
  await feed.getByRole("button", { name: "Copy code" }).click();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toBe("const light = (day: number) => day ** 2; // it falls");

  const subagent = feed.getByRole("button", { name: "Subagent general-purpose" });
  await subagent.click();
  const thread = feed.getByRole("group", { name: "Conversation of general-purpose" });
  await thread.getByRole("button", { name: /^Bash .*done$/ }).waitFor();
  await thread.getByText("from the subagent", { exact: true }).waitFor();
  await thread.getByText("the subagent's report", { exact: true }).waitFor();

  const call = (name: RegExp): Locator =>
    feed.locator("[data-item]").filter({ has: page.getByRole("button", { name }) });
  const shell = call(/^Bash Count .*done$/);
  const output = shell.locator("pre").last();
  await shell.scrollIntoViewIfNeeded();
  // Twelve lines of forty, without what only tells a terminal something.
  await expect.poll(() => output.textContent()).toMatch(/^red 1\n(red \d+\n){10}red 12$/);
  await shell.getByRole("button", { name: "Show all" }).click();
  await expect.poll(() => output.textContent()).toMatch(/^red 1\n(red \d+\n){38}red 40\n?$/);

  const edit = call(/^Edit .*done$/);
  await edit.scrollIntoViewIfNeeded();
  await edit.locator("ins").waitFor();
  await expect.poll(() => edit.locator("del").textContent()).toContain("the light");
  await expect.poll(() => edit.locator("ins").textContent()).toContain("the gold");
  const write = call(/^Write .*done$/);
  await expect.poll(() => write.locator("ins").count()).toBe(4);
  const thought = feed.getByRole("button", { name: /^Thought/ });
  await thought.click();
  await feed.getByText("A short poem would be good; I shall put it into a file.", { exact: true }).waitFor();

  // Words are found wherever they are, in view or not.
  await page.keyboard.press("ControlOrMeta+f");
  const find = page.getByRole("searchbox", { name: "Find in this conversation" });
  await find.fill("RED 40");
  await page.getByRole("search").filter({ has: find }).getByText("1 found", { exact: true }).waitFor();
  await find.press("Enter");
  await expect.poll(() => shell.evaluate((element) => element.className)).toContain("bg-accent");
  await find.press("Escape");
  await find.waitFor({ state: "detached" });

  // The file and the subagent stand in the panels beside.
  await write.getByRole("link", { name: "/workspace/poem.md" }).click();
  await expect.poll(() => page.url()).toContain("/files/poem.md");
  await go(page, `/sessions/${sessionId}/subagents`);
  const inspector = page.getByRole("complementary", { name: "Inspector" });
  const list = inspector.getByRole("list", { name: "Subagents" });
  await list.getByRole("link", { name: /general-purpose done \d+ tokens/ }).click();
  await inspector.getByRole("feed").getByText("the subagent's report", { exact: true }).waitFor();

  await page.reload();
  await feed.getByRole("link", { name: "https://example.com/poems" }).waitFor();
});

test("a message that is not sent says so and is sent again; pictures are shown; who reads further up is told what came", async () => {
  const sessionId = await tested.createSession({ agentProfileRef: "crew" });
  const { page, problems } = await tested.open({ path: `/sessions/${sessionId}` });
  const feed = conversation(page);
  await page.route("**/message", (route) => route.abort());
  await say(page, "never told");
  await feed.getByRole("button", { name: "Drop" }).click();
  await say(page, `told at last ${script([{ text: `the answer\n\n${"long ".repeat(4000)}` }, { text: "one more" }])}`);
  await feed
    .getByRole("alert")
    .getByText(/^Not sent: /)
    .waitFor();
  await page.unroute("**/message");
  await feed.getByRole("button", { name: "Send again" }).click();
  await feed.getByText("the answer", { exact: true }).waitFor();
  expect(await feed.getByText("never told").count()).toBe(0);
  await feed.getByText(/^Not sent: /).waitFor({ state: "detached" });
  // The browser says of each request that it failed.
  expect(problems.splice(0).every((problem) => problem.includes("ERR_FAILED"))).toBe(true);

  await tested.server.until(sessionId, ({ turn, lastTurn }) => turn === null && lastTurn !== undefined);
  // Longer than the state holds of a text: the rest is fetched when it is wanted.
  const long = feed.locator("p").filter({ hasText: /^long long/ });
  await expect.poll(async () => (await long.textContent())?.length).toBeLessThan(17_000);
  await feed
    .locator("[data-item]")
    .filter({ has: page.locator("p", { hasText: /^long long/ }) })
    .getByRole("button", { name: "Show all" })
    .click();
  await expect.poll(async () => ((await long.textContent()) ?? "").trim().length).toBe(4000 * 5 - 1);

  await feed.hover();
  await expect
    .poll(async () => {
      await page.mouse.wheel(0, -1000);
      return page.getByRole("button", { name: "Jump to latest" }).count();
    })
    .toBe(1);
  const attachments = [{ name: "dot.png", mediaType: "image/png", data: PICTURES.png }];
  const content = "What is on it?";
  await tested.server.request("POST", `/sessions/${sessionId}/message`, { content, attachments });
  await page.getByRole("button", { name: "Jump to latest, 2 new" }).click();
  await feed.getByText("one more", { exact: true }).waitFor();
  await feed.getByRole("button", { name: "Look at dot.png" }).click();
  const picture = page.getByRole("dialog").getByRole("img", { name: "dot.png" });
  await expect.poll(() => picture.getAttribute("src")).toMatch(/^blob:/);
  expect(await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBe(1);
  await page.keyboard.press("Escape");

  // Who is further up and says something comes to the end.
  await feed.evaluate((element) => (element.scrollTop = 0));
  await page.getByRole("button", { name: "Jump to latest" }).waitFor();
  await say(page, `and this ${script([{ text: "the last of it" }])}`);
  await feed.getByText("the last of it", { exact: true }).waitFor();
  await page.getByRole("button", { name: /^Jump to latest/ }).waitFor({ state: "detached" });
});

test("a subagent is stopped alone, from the place where it was called", async () => {
  const sessionId = await tested.createSession({ agentProfileRef: "crew" });
  const { page } = await tested.open({ path: `/sessions/${sessionId}` });
  const feed = conversation(page);
  const prompt = `wait ${script([{ hang: true }])}`;
  const input = { description: "wait", prompt, subagent_type: "general-purpose", run_in_background: false };
  await say(page, `Go. ${script([{ tools: [{ name: "Agent", input }] }, { text: "it goes on" }])}`);
  await feed.getByRole("button", { name: "Stop general-purpose" }).click();
  await feed.getByText("it goes on", { exact: true }).waitFor();
  await feed.getByText("stopped", { exact: true }).waitFor();
});
