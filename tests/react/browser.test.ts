import { build } from "esbuild";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KEY, startFedServer, type FedServer } from "../clients/fed-server.ts";
import type { TestPage } from "./testing/page.ts";
import { launchChromium } from "../testing/launch-chromium.ts";

// Long conversations in a real browser, before a real runtime, with a feed where its agents would be.

const WAIT = { timeout: 60_000 };
let server: FedServer;
let browser: Browser;
let script: string;

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "testing/page.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });
  script = outputFiles[0]?.text ?? "";
  server = await startFedServer();
  browser = await launchChromium(
    // The page itself comes out of the test; to the browser its server is somebody else's, on this machine.
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
  );
});
afterAll(async () => {
  await browser.close();
  await server[Symbol.asyncDispose]();
});

/** The test's page at a session, as if the server itself had it. */
async function open(sessionId: string): Promise<{ page: Page; requests: string[]; problems: string[] }> {
  const page = await (await browser.newContext()).newPage();
  const requests: string[] = [];
  const problems: string[] = [];
  page.on("request", (request) => requests.push(request.url().replace(`${server.url}/v1`, "")));
  page.on("pageerror", (error) => problems.push(error.message));
  await page.route(`${server.url}/page.js`, (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  await page.route(`${server.url}/page`, (route) =>
    route.fulfill({ contentType: "text/html", body: '<!doctype html><script type="module" src="/page.js"></script>' }),
  );
  await page.goto(`${server.url}/page#key=${KEY}&session=${sessionId}`);
  return { page, requests, problems };
}

const texts = (page: Page) => page.locator(".blocks > .assistant_text");

interface Place {
  /** Pixels from the end, and from the beginning. */
  readonly below: number;
  readonly above: number;
}

async function placeOf(page: Page): Promise<Place> {
  return page.locator(".blocks").evaluate(({ scrollTop, scrollHeight, clientHeight }) => ({
    below: Math.round(scrollHeight - scrollTop - clientHeight),
    above: Math.round(scrollTop),
  }));
}

async function isIdle(page: Page): Promise<void> {
  await expect.poll(() => page.locator("footer").textContent(), WAIT).toMatch(/^false/);
}

test("a long conversation opens at its end, older blocks come by pages as the reader scrolls up, and their place is kept", async () => {
  const sessionId = await server.create();
  await server.order(sessionId, { deltas: 1400, chars: 30, blockDeltas: 2 });
  const { page, requests, problems } = await open(sessionId);
  await expect.poll(() => texts(page).last().textContent(), WAIT).toContain("|END|");
  await isIdle(page);
  const shown = await texts(page).count();
  expect(shown).toBeLessThanOrEqual(500);
  await expect.poll(async () => (await placeOf(page)).below, WAIT).toBeLessThanOrEqual(1);
  const pagesOf = (): string[] => requests.filter((url) => url.includes("/blocks?"));
  expect(pagesOf()).toEqual([]);

  const first = texts(page).first();
  const id = await first.getAttribute("id");
  await page.locator(".blocks").evaluate((element) => (element.scrollTop = 50));
  const before = await page.locator(`[id="${id}"]`).evaluate((element) => element.getBoundingClientRect().top);
  await expect.poll(() => texts(page).count(), WAIT).toBeGreaterThan(shown);
  expect(pagesOf()).toHaveLength(1);
  const after = await page.locator(`[id="${id}"]`).evaluate((element) => element.getBoundingClientRect().top);
  expect(Math.abs(after - before)).toBeLessThanOrEqual(2);

  // Up to the very first, each page once.
  await expect
    .poll(async () => {
      await page.locator(".blocks").evaluate((element) => (element.scrollTop = 0));
      return page.locator(".blocks > .user_message").count();
    }, WAIT)
    .toBe(1);
  expect(new Set(pagesOf()).size).toBe(pagesOf().length);
  const ids = await page.locator(".blocks > p").evaluateAll((all) => all.map((element) => element.id));
  expect([ids.length, new Set(ids).size]).toEqual([701, 701]);
  expect(problems).toEqual([]);
});

test("the end stays in view while words come, unless the reader is further up; and again once they are back", async () => {
  const sessionId = await server.create();
  const { page, problems } = await open(sessionId);
  await server.order(sessionId, { deltas: 2000, chars: 40, blockDeltas: 10, perSecond: 100 });
  await expect.poll(() => texts(page).count(), WAIT).toBeGreaterThan(10);
  expect((await placeOf(page)).below).toBeLessThanOrEqual(40);
  await page.locator(".blocks").hover();
  await page.mouse.wheel(0, -200);
  await expect.poll(async () => (await placeOf(page)).below, WAIT).toBeGreaterThan(100);
  const { above } = await placeOf(page);
  const count = await texts(page).count();
  await expect.poll(() => texts(page).count(), WAIT).toBeGreaterThan(count + 3);
  expect(Math.abs((await placeOf(page)).above - above)).toBeLessThanOrEqual(60);
  await page.locator(".blocks").evaluate((element) => (element.scrollTop = element.scrollHeight));
  const later = await texts(page).count();
  await expect.poll(() => texts(page).count(), WAIT).toBeGreaterThan(later + 3);
  expect((await placeOf(page)).below).toBeLessThanOrEqual(40);
  expect(problems).toEqual([]);
});

test("thousands of deltas into one block render that block, once a frame at most, and the list of sessions is live", async () => {
  const sessionId = await server.create();
  await server.order(sessionId, { deltas: 200, chars: 20, blockDeltas: 1 });
  const { page, problems } = await open(sessionId);
  await expect.poll(() => texts(page).last().textContent(), WAIT).toContain("|END|");
  await isIdle(page);
  const known = await texts(page).count();
  await page.evaluate(() => (globalThis as unknown as { page: TestPage }).page.reset());
  await server.order(sessionId, { deltas: 5000, chars: 3, blockDeltas: 5000 });
  await expect.poll(() => texts(page).count(), WAIT).toBe(known + 1);
  await expect.poll(() => texts(page).last().textContent(), WAIT).toContain("|END|");
  const { renders, frames } = await page.evaluate(() => {
    const { renders, frames } = (globalThis as unknown as { page: TestPage }).page;
    return { renders: { ...renders }, frames };
  });
  // The order itself as a block, and the one block of text: of the 200 before them none.
  expect(Object.keys(renders)).toHaveLength(2);
  for (const count of Object.values(renders)) expect(count).toBeLessThanOrEqual(frames + 5);

  const other = await server.create();
  await expect.poll(() => page.locator("nav").textContent(), WAIT).toContain(other);
  await server.remove(other);
  await expect.poll(() => page.locator("nav").textContent(), WAIT).not.toContain(other);
  expect(problems).toEqual([]);
});
