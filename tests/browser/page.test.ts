import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY } from "../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { launchChromium } from "../testing/launch-chromium.ts";

let model: ScriptedModel;
let folder: string;
let server: ServerProcess;
let browser: Browser;

beforeAll(async () => {
  model = await startScriptedModel();
  folder = await mkdtemp(join(tmpdir(), "page-"));
  server = await startServerProcess({ folder, modelUrl: model.url });
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
  await endSandboxes(folder);
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

async function openPage(): Promise<{ page: Page; problems: string[] }> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  await page.goto(server.url);
  return { page, problems };
}

async function signIn(page: Page): Promise<void> {
  await page.getByTestId("key-input").fill(API_KEY);
  await page.getByTestId("key-submit").click();
  await page.getByTestId("workbench").waitFor();
}

const poem = "# Autumn\n\nLeaves keep the light\nthat the day has let go.\n";
const steps = [
  {
    thinking: "A short poem would be good; I shall put it into a file.",
    text: "I am going to write a short poem about autumn for you, and then I read it back to see that it is there.",
    chunk: 4,
    delayMs: 25,
    tools: [{ name: "Write", input: { file_path: "/workspace/poem.md", content: poem } }],
  },
  { tools: [{ name: "Bash", input: { command: "wc -l poem.md", description: "Count the lines" } }] },
  { text: "There it is: poem.md, four lines." },
];

test("one sends by the page, sees text grow, then the tools, then the file; a reload keeps the session open", async () => {
  const { page, problems } = await openPage();
  await signIn(page);
  await page.getByTestId("new-session").click();
  await page.getByTestId("message-input").fill(`Write me a poem. ${script(steps)}`);
  await page.getByTestId("send").click();

  const conversation = page.getByTestId("conversation");
  const text = conversation.getByTestId("block-assistant_text").first();
  await text.waitFor();
  const lengths: number[] = [];
  while ((await text.getAttribute("data-streaming")) === "true")
    lengths.push(((await text.textContent()) ?? "").length);
  // It was seen while it grew: several lengths, each at least the one before, before the block was complete.
  expect(new Set(lengths).size).toBeGreaterThan(3);
  expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));

  await conversation.getByText("There it is: poem.md, four lines.", { exact: true }).waitFor();
  await page.getByTestId("file-list").getByText("poem.md").click();
  await expect.poll(() => page.getByTestId("file-content").textContent()).toBe(poem);
  expect(await page.getByTestId("connection").getAttribute("data-state")).toBe("live");
  await mkdir("test-results", { recursive: true });
  await page.screenshot({ path: "test-results/page.png" });

  await page.reload();
  await conversation.getByText("There it is: poem.md, four lines.", { exact: true }).waitFor();
  await page.getByTestId("file-list").getByText("poem.md").waitFor();
  expect(problems).toEqual([]);
});

test("a wrong key is said, and nothing is shown", async () => {
  const { page } = await openPage();
  await page.getByTestId("key-input").fill("wrong");
  await page.getByTestId("key-submit").click();
  await page.getByTestId("key-error").waitFor();
  expect(await page.getByTestId("workbench").isVisible()).toBe(false);
});

test("what the agent writes is inert: no script runs, nothing is fetched", async () => {
  const { page } = await openPage();
  const hostile = `<img src="http://127.0.0.1:9/x" onerror="window.hacked=1"><script>window.hacked=1</script><b>bold</b>`;
  const foreign: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url)) foreign.push(request.url());
  });
  await signIn(page);
  await page.getByTestId("new-session").click();
  await page
    .getByTestId("message-input")
    .fill(
      `<i>hello</i> ${script([{ text: hostile, tools: [{ name: "Write", input: { file_path: "/workspace/<b>.html", content: hostile } }] }, { text: "end of it" }])}`,
    );
  await page.getByTestId("message-input").press("Enter");
  await page.getByTestId("conversation").getByText("end of it", { exact: true }).waitFor();
  await page.getByTestId("file-list").getByText("<b>.html").click();
  await expect.poll(() => page.getByTestId("file-content").textContent()).toBe(hostile);
  expect(await page.evaluate("window.hacked")).toBeUndefined();
  expect(await page.getByTestId("conversation").locator("img, script, b, i").count()).toBe(0);
  expect(foreign).toEqual([]);
});

test("the server goes and comes back: the page says so, and goes on", async () => {
  const { page } = await openPage();
  await signIn(page);
  await page.getByTestId("new-session").click();
  await expect.poll(() => page.getByTestId("connection").getAttribute("data-state")).toBe("live");
  const port = new URL(server.url).port;
  await server.end("SIGKILL");
  await expect.poll(() => page.getByTestId("connection").getAttribute("data-state")).not.toBe("live");
  server = await startServerProcess({ folder, modelUrl: model.url, flags: ["--port", port] });
  await expect.poll(() => page.getByTestId("connection").getAttribute("data-state"), { timeout: 30_000 }).toBe("live");
  await page.getByTestId("message-input").fill(`again ${script([{ text: "still here" }])}`);
  await page.getByTestId("send").click();
  await page.getByTestId("conversation").getByText("still here", { exact: true }).waitFor();
});
