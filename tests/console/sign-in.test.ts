import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { API_KEY } from "../testing/runtime-under-test.ts";
import { startConsoleUnderTest, type ConsoleUnderTest } from "./testing/console-under-test.ts";

const BUILT = fileURLToPath(new URL("../../apps/server/dist/console", import.meta.url));
let tested: ConsoleUnderTest;
let sessionId: string;

beforeAll(async () => {
  tested = await startConsoleUnderTest();
  sessionId = await tested.createSession({ name: "the one that is there" });
});
afterAll(() => tested[Symbol.asyncDispose]());

const sessions = (page: Page) => page.getByRole("navigation", { name: "Sessions" });
const signedIn = (page: Page) => sessions(page).waitFor();
/** What is true of the whole page. */
const away = (page: Page) => page.getByText("The server does not answer. What you see is the last that it said");
const field = (page: Page) => page.getByLabel("API key");
/** The link that the server printed at its last start. */
const printedLink = (): string => /http:\S+#key=\S+/.exec(tested.server.output())?.[0] ?? "no link";

async function openTab(context: BrowserContext, hash: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${tested.server.url}/${hash}`);
  return page;
}

/** Everything that a browser keeps of a page, as text. */
async function keptOf(page: Page): Promise<string> {
  const devTools = await page.context().newCDPSession(page);
  const { entries } = await devTools.send("Page.getNavigationHistory");
  // What a person typed the browser keeps to itself, whatever a page does: hence the server's links hold no key.
  const visited = entries.map(({ url, title }) => ({ url, title }));
  const inPage = await page.evaluate(async () => ({
    url: location.href,
    state: JSON.stringify(history.state),
    local: JSON.stringify(Object.entries(localStorage)),
    session: JSON.stringify(Object.entries(sessionStorage)),
    cookie: document.cookie,
    name: window.name,
    databases: JSON.stringify(await indexedDB.databases()),
    caches: JSON.stringify(await caches.keys()),
    fields: [...document.querySelectorAll("input, textarea")].map((one) => (one as HTMLInputElement).value).join(),
    html: document.documentElement.outerHTML,
  }));
  return JSON.stringify([visited, inPage, await page.context().cookies()]);
}

test("the link signs in, and the key is nowhere afterwards; reloads and other tabs stay signed in", async () => {
  const context = await tested.browser.newContext();
  const page = await context.newPage();
  const withKey: string[] = [];
  page.on("request", (request) => {
    const said = `${request.url()} ${JSON.stringify(request.headers())} ${request.postData() ?? ""}`;
    if (said.includes(API_KEY)) withKey.push(`${request.method()} ${request.url()}`);
  });
  await page.goto(`${tested.server.url}/#/sessions/${sessionId}`);
  await field(page).waitFor();
  // A link that is opened in a tab that is open already, and so with something to go back to.
  await page.evaluate((key) => (location.hash = `#key=${key}`), API_KEY);
  await signedIn(page);
  expect(page.url()).toBe(`${tested.server.url}/#/`);
  expect(withKey).toEqual([`POST ${tested.server.url}/v1/tokens`]);
  const kept = await keptOf(page);
  expect(kept).toContain("agent-runtime.token");
  expect(kept).not.toContain(API_KEY);
  for (const file of await readdir(BUILT, { recursive: true, withFileTypes: true }))
    if (file.isFile()) expect(await readFile(join(file.parentPath, file.name), "utf8")).not.toContain(API_KEY);

  await sessions(page).getByText("the one that is there").click();
  await expect.poll(() => page.url()).toContain(`#/sessions/${sessionId}`);
  await page.reload();
  await signedIn(page);
  await page.goBack();
  await page.goBack();
  await expect.poll(() => page.url()).toBe(`${tested.server.url}/#/sessions/${sessionId}`);
  await signedIn(page);
  expect(await keptOf(page)).not.toContain(API_KEY);
  expect(withKey).toHaveLength(1);

  // A link into the console, opened in a tab of its own.
  const second = await openTab(context, `#/sessions/${sessionId}`);
  await signedIn(second);
  expect(second.url()).toContain(`#/sessions/${sessionId}`);
  await sessions(second).getByRole("button", { name: "Settings" }).click();
  await second.getByRole("menuitem", { name: "Sign out" }).click();
  await field(second).waitFor();
  await page.getByText("You signed out in another tab.").waitFor();
  for (const tab of [page, second]) expect(await keptOf(tab)).not.toContain("agent-runtime.token");
  await context.close();
});

test("a wrong key says what to do, and the right one is taken; a server that is away is waited for", async () => {
  const context = await tested.browser.newContext();
  const page = await openTab(context, "#key=wrong");
  await page.getByText("The server does not take this key.").waitFor();
  expect(page.url()).toBe(`${tested.server.url}/#/`);
  await page.route("**/v1/tokens", (route) => route.abort());
  await field(page).fill(API_KEY);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The server does not answer.").waitFor();
  await page.unroute("**/v1/tokens");
  await signedIn(page);
  expect(await keptOf(page)).not.toContain(API_KEY);

  // What the tab has kept is not this server's any more, as after a change of its key.
  await page.evaluate(() => sessionStorage.setItem("agent-runtime.token", "of.another.key"));
  await page.reload();
  await page.getByText("Your sign-in has ended.").waitFor();

  // Tokens that live for a second: the page goes on with the next one, again and again.
  let tokens = 0;
  await page.route("**/v1/tokens", (route) => {
    tokens += 1;
    return route.continue({ postData: JSON.stringify({ expiresInMs: 1000, renewForMs: 600_000 }) });
  });
  await field(page).fill(API_KEY);
  await page.getByRole("button", { name: "Sign in" }).click();
  await signedIn(page);
  await expect.poll(() => tokens).toBeGreaterThan(3);
  await tested.createSession({ name: "made much later" });
  await sessions(page).getByText("made much later").waitFor();
  expect(await field(page).isVisible()).toBe(false);
  await context.close();
});

test("the server's links hold no key and sign in, at a later start too; who was signed in stays so", async () => {
  const context = await tested.browser.newContext();
  const page = await context.newPage();
  await page.goto(printedLink());
  await signedIn(page);
  const start = await tested.kill();
  await away(page).waitFor();
  await start();
  const link = printedLink();
  expect(link).toContain(`${tested.server.url}/#key=`);
  expect(tested.server.output()).not.toContain(API_KEY);
  await away(page).waitFor({ state: "detached" });
  await sessions(page).getByText("the one that is there").waitFor();

  const other = await (await tested.browser.newContext()).newPage();
  await other.goto(link);
  await signedIn(other);
  expect(await keptOf(other)).not.toContain(link.replace(/^.*key=/, ""));
  await other.context().close();
  await context.close();
});
