import { createAgentRuntime } from "@hhopkins/agent-runtime";
import { createAgentClient, type AgentClient } from "@hhopkins/agent-runtime-client";
import { memoryPersistence } from "@hhopkins/agent-runtime/persistence/memory";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seriousFaults } from "../console/testing/axe.ts";
import { launchChromium } from "../testing/launch-chromium.ts";

const ADDRESS = "http://127.0.0.1/docs";

let browser: Browser;
let reference: { body: string; headers: Record<string, string> };

beforeAll(async () => {
  // The routes are there before it is started.
  const runtime = await createAgentRuntime({ persistence: memoryPersistence() });
  const answer = await runtime.createRestServer({ apiKey: "key" }).fetch(new Request(ADDRESS));
  reference = { body: await answer.text(), headers: Object.fromEntries(answer.headers) };
  browser = await launchChromium();
});
afterAll(() => browser.close());

/** The page as it is served, with what the browser complains about. */
async function open(hash: string, options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.route("**/*", (route) =>
    route.request().url().split("#")[0] === ADDRESS ? route.fulfill(reference) : route.abort(),
  );
  await page.goto(`${ADDRESS}${hash}`);
  return { page, complaints };
}

const shown = (page: Page): Promise<string[]> =>
  page.$$eval("section", (all) => all.filter((section) => !section.hidden).map(({ id }) => id));

test("a link leads to its route; the search shows what has all of its words, and a link shows what it hides", async () => {
  const { page, complaints } = await open("#post-sessions-id-message");
  await page.locator("#post-sessions-id-message h3").waitFor();
  expect(
    await page.locator("#post-sessions-id-message").evaluate((section) => section.getBoundingClientRect().top),
  ).toBeLessThan(900);
  const all = await shown(page);
  await page.keyboard.press("/");
  await page.keyboard.type("Subagent stop");
  expect(await shown(page)).toContain("post-sessions-id-subagents-subagentId-stop");
  expect((await shown(page)).length).toBeLessThan(all.length / 4);
  expect(await page.locator("#found").textContent()).toMatch(/^\d+ entr/);
  await page.locator("#post-sessions-id-subagents-subagentId-stop").getByRole("link", { name: "unauthorized" }).click();
  expect(await shown(page)).toEqual(all);
  await page.locator("#search").fill("zebra");
  expect(await shown(page)).toEqual([]);
  await page.keyboard.press("Escape");
  expect(await shown(page)).toEqual(all);
  expect(complaints).toEqual([]);
  await page.close();
});

test("what a schema holds unfolds, without scripts too", async () => {
  const { page, complaints } = await open("", { javaScriptEnabled: false });
  const route = page.locator("#get-sessions-id");
  expect(await route.getByText("streamingBlockIds").isVisible()).toBe(false);
  await route.locator("summary").first().click();
  expect(await route.getByText("streamingBlockIds").isVisible()).toBe(true);
  expect(await page.locator("#searching").isVisible()).toBe(false);
  expect(complaints).toEqual([]);
  await page.close();
});

test("in both themes, wide and on a phone: nothing serious for axe, nothing beyond the edge", async () => {
  for (const [colorScheme, width] of [
    ["light", 1280],
    ["dark", 390],
  ] as const) {
    const { page } = await open("", { colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    expect(await page.locator("nav li").first().isVisible()).toBe(width > 960);
    // They are all made alike, and axe takes a minute over all of them.
    await page.evaluate(() =>
      [...document.querySelectorAll("section")].slice(3).forEach((section) => section.remove()),
    );
    expect(await seriousFaults(page)).toEqual([]);
    await page.close();
  }
});

test("the client's example of each route calls that route", async () => {
  const { page } = await open("");
  const routes = await page.$$eval("section:has(.two)", (all) =>
    all.map((section) => ({
      method: section.querySelector(".method")?.textContent ?? "",
      path: section.querySelector(".path")?.textContent ?? "",
      client: section.querySelectorAll("pre")[1]?.textContent,
    })),
  );
  await page.close();
  expect(routes.length).toBeGreaterThan(30);
  const without = routes.filter(({ client }) => client === undefined).map(({ path }) => path);
  expect(without).toEqual(["/sessions/import", "/health", "/ready"]);
  for (const { method, path, client } of routes)
    if (client !== undefined && path !== "/sessions/{id}/events")
      expect(await calledBy(client)).toEqual([method, path]);
});

/** Method and route of the one request that a piece of code makes of a client. */
async function calledBy(code: string): Promise<string[]> {
  const seen: string[][] = [];
  const client = createAgentClient({
    baseUrl: "http://127.0.0.1",
    apiKey: "key",
    fetch: async (input, init) => {
      seen.push([init?.method ?? "GET", new URL(input instanceof Request ? input.url : input).pathname]);
      return new Response("{}", { headers: { "content-type": "application/json" } });
    },
  });
  const given = {
    sessionId: "{id}",
    profileId: "{id}",
    messageId: "{messageId}",
    askId: "{askId}",
    subagentId: "{subagentId}",
    name: "{name}",
    path: "{path}",
    bytes: new Uint8Array(1),
  };
  // oxlint-disable-next-line typescript/no-implied-eval -- the example is our own, and is to run as it is shown
  const run = new Function("client", ...Object.keys(given), `return (async () => { ${code} })();`) as (
    client: AgentClient,
    ...values: unknown[]
  ) => Promise<void>;
  await run(client, ...Object.values(given));
  const [method = "", path = ""] = seen[0] ?? [];
  return [method, decodeURIComponent(path).replace(/^\/v1/, "").replace("/reviewer", "/{id}")];
}
