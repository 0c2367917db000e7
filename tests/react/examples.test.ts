import { script, startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endSandboxes } from "../testing/server-process.ts";
import { launchChromium } from "../testing/launch-chromium.ts";

// The examples as a user runs them, in a real browser, with real agents; only the model is scripted.

const EXAMPLES = join(import.meta.dirname, "../../examples");
const KEY = "example-key";
const WAIT = { timeout: 60_000 };
let model: ScriptedModel;
let folder: string;
let browser: Browser;
const servers = new Set<ChildProcess>();

beforeAll(async () => {
  model = await startScriptedModel();
  folder = await mkdtemp(join(tmpdir(), "react-example-"));
  // The examples keep their data where they do by themselves.
  await symlink(".agent-runtime", join(folder, "data"));
  browser = await launchChromium();
});
afterAll(async () => {
  await browser.close();
  for (const server of servers) await ended(server, "SIGKILL");
  await endSandboxes(folder);
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

/** Starts an example and answers the link that it prints. */
async function started(example: string, port = "0"): Promise<{ server: ChildProcess; link: string }> {
  const server = spawn(process.execPath, [join(EXAMPLES, example, "main.ts")], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      PORT: port,
      API_KEY: KEY,
      ANTHROPIC_BASE_URL: model.url,
      ANTHROPIC_API_KEY: "model-key",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  servers.add(server);
  let said = "";
  for await (const chunk of server.stdout.setEncoding("utf8")) {
    said += String(chunk);
    const link = /open (\S+)/.exec(said)?.[1];
    if (link !== undefined) return { server, link };
  }
  throw new Error(`${example} ended: ${said}`);
}

async function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, "exit");
  server.kill(signal);
  await exit;
}

async function open(link: string): Promise<{ page: Page; problems: string[] }> {
  const page = await (await browser.newContext()).newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(link);
  return { page, problems };
}

async function send(page: Page, content: string): Promise<void> {
  await page.locator("textarea, input").fill(content);
  await page.locator("textarea, input").press("Enter");
}

test("react-chat: words stream in, a second tab sees the same, and a server that is killed comes back in the middle of it", async () => {
  const { server, link } = await started("react-chat");
  const { page, problems } = await open(link);
  await page.getByRole("button", { name: "New chat", exact: true }).click();
  await page.locator("textarea:enabled").waitFor(WAIT);
  const tools = [{ name: "Write", input: { file_path: "/workspace/a.txt", content: "A" } }];
  await send(
    page,
    `Write something. ${script([{ text: "First I write it down.", tools }, { text: "Done with it." }])}`,
  );
  // Our own message is there before the server has started anything.
  await page.locator(".user_message").waitFor();
  await page.getByText("Done with it.", { exact: true }).waitFor(WAIT);
  expect(await page.locator(".blocks > p").evaluateAll((all) => all.map(({ className }) => className.trim()))).toEqual([
    "user_message",
    "assistant_text",
    "tool_use",
    "tool_result",
    "assistant_text",
  ]);
  expect(await page.locator(".tool_use").textContent()).toBe("Write: success");

  // A reload, and another tab, are at the same place.
  const other = await open(page.url());
  await page.reload();
  for (const tab of [page, other.page]) await tab.getByText("Done with it.", { exact: true }).waitFor(WAIT);

  const long = "word ".repeat(400);
  await send(other.page, `At length. ${script([{ text: `${long}end.`, delayMs: 20 }])}`);
  for (const tab of [page, other.page]) await tab.getByText(/^word word /).waitFor(WAIT);
  await ended(server, "SIGKILL");
  await expect.poll(() => page.getByRole("status").textContent(), WAIT).not.toBe("");
  const again = await started("react-chat", new URL(link).port);
  for (const tab of [page, other.page]) {
    await tab.getByText(/word end\.$/).waitFor(WAIT);
    expect(await tab.locator(".assistant_text").last().textContent()).toBe(`${long}end.`);
    await expect.poll(() => tab.getByRole("status").textContent(), WAIT).toBe("");
  }

  // Stopped by one tab, for both.
  await send(page, `For ever. ${script([{ text: "and ".repeat(5000), delayMs: 50 }])}`);
  await page.getByText(/^and and /).waitFor(WAIT);
  await other.page.getByRole("button", { name: "Stop", exact: true }).click();
  for (const tab of [page, other.page])
    await tab.getByRole("button", { name: "Stop", exact: true }).waitFor({ state: "detached", ...WAIT });

  // Deleted under the reader: what was there stays, with the reason.
  const sessionId = new URLSearchParams(new URL(page.url()).hash.slice(1)).get("session");
  const headers = { authorization: `Bearer ${KEY}` };
  const { origin } = new URL(link);
  expect((await fetch(`${origin}/sessions/${sessionId}`, { method: "DELETE", headers })).status).toBe(204);
  await expect.poll(() => page.getByRole("status").textContent(), WAIT).toContain("deleted");
  expect(await page.locator(".blocks > p").count()).toBeGreaterThan(5);
  expect([problems, other.problems]).toEqual([[], []]);

  // A wrong key is said.
  const wrong = await open(link.replace(KEY, "wrong"));
  await wrong.page.getByRole("button", { name: "New chat", exact: true }).click();
  await expect.poll(() => wrong.page.getByRole("status").textContent(), WAIT).not.toBe("");
  await ended(again.server, "SIGTERM");
});

test("react-chat: the chat has 40 lines", async () => {
  const source = await readFile(join(EXAMPLES, "react-chat/chat.tsx"), "utf8");
  expect(source.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
});

test("plain-html: a page without a framework shows what is written, and what the agent writes is text", async () => {
  const { server, link } = await started("plain-html");
  const { page, problems } = await open(link);
  await expect.poll(() => page.getByRole("status").textContent(), WAIT).toBe("live");
  const hostile = '<img src="x" onerror="window.hacked = 1">';
  await send(page, `Say it. ${script([{ text: hostile, delayMs: 5 }, { text: "never" }])}`);
  await page.locator(".assistant_text").getByText(hostile, { exact: true }).waitFor(WAIT);
  expect(await page.locator("#blocks img").count()).toBe(0);
  expect(await page.locator("#blocks > p").evaluateAll((all) => all.map(({ className }) => className.trim()))).toEqual([
    "user_message",
    "assistant_text",
  ]);
  await page.reload();
  await page.getByText(hostile, { exact: true }).waitFor(WAIT);
  expect(problems).toEqual([]);

  // A wrong key is said.
  const wrong = await open(link.replace(KEY, "wrong"));
  await expect.poll(() => wrong.page.getByRole("status").textContent(), WAIT).not.toBe("");
  await ended(server, "SIGTERM");
});
