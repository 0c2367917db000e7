import { script } from "@hhopkins/agent-runtime-testkit";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { seriousFaults } from "./testing/axe.ts";
import { startConsoleUnderTest, takeOut, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { seedList } from "./testing/seeded-list.ts";
import { selectedText } from "./testing/selected-text.ts";

/** Kept from long ago, so that the list has more than anybody looks at. */
const SEEDED = 3000;
const CAREFUL = { id: "careful", name: "Careful", tools: ["Read", "Write"], permissions: { ask: ["Write"] } };
let tested: ConsoleUnderTest;

beforeAll(async () => {
  tested = await startConsoleUnderTest({
    prepare: async (folder) => {
      await writeFile(
        join(folder, "agent-runtime.config.ts"),
        `export default { profiles: [{ id: "default", name: "Default Agent" }, ${JSON.stringify(CAREFUL)}] };\n`,
      );
      await seedList(folder, SEEDED);
    },
  });
});
afterEach(() => Promise.all(tested.browser.contexts().map((context) => context.close())));
afterAll(() => tested[Symbol.asyncDispose]());

const sessions = (page: Page) => page.getByRole("navigation", { name: "Sessions" });
const row = (page: Page, name: string | RegExp) => sessions(page).getByRole("listitem").filter({ hasText: name });

// What runs in the page; these tests have no types of it.
interface Scrolled {
  readonly scrollTop: number;
}
const hasFocus = (element: { matches(selector: string): boolean }): boolean => element.matches(":focus");

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await tested.server.request(method, path, body);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

test("a session is in the list as soon as it is made, says what it does and costs, and is gone when it is deleted", async () => {
  const tab = await tested.open();
  const { page } = tab;
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const sessionId = await tested.createSession({ name: "Careful work", agentProfileRef: "careful" });
  const own = row(page, "Careful work");
  await own.getByText("Asleep").waitFor();

  const write = { name: "Write", input: { file_path: "/workspace/a.txt", content: "a" } };
  await tested.send(sessionId, `write ${script([{ tools: [write] }, { text: "done" }])}`);
  await own.getByText("Needs an answer").waitFor();
  // The overview has it where one looks first.
  const waiting = page
    .getByRole("main")
    .locator("section", { has: page.getByRole("heading", { name: "Needs an answer" }) });
  await waiting.getByText("Careful work").click();
  await expect.poll(() => page.title()).toBe("Careful work · Agent Runtime");

  const { asks } = await tested.server.until(sessionId, (state) => state.asks.length > 0);
  await request("POST", `/sessions/${sessionId}/asks/${asks[0]!.askId}/answer`, { decision: "allow" });
  await own.getByText("Ready").waitFor();
  await own.getByText(/\$\d/).waitFor();

  // Asleep by its menu, by keys alone.
  await own.getByRole("link").focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Put to sleep" }).press("Enter");
  await page.getByText("Careful work is saved and asleep.").waitFor();
  await own.getByText("Asleep").waitFor();

  // Deleted by somebody else, under the reader: what was shown stays, and why nothing goes on is said.
  await page.getByText("done", { exact: true }).first().waitFor();
  await request("DELETE", `/sessions/${sessionId}`);
  await page.getByRole("alert").getByText("This session has been deleted.").waitFor();
  await own.waitFor({ state: "detached" });
  expect(await page.getByText("done", { exact: true }).first().isVisible()).toBe(true);
  await page.getByRole("alert").getByRole("link", { name: "To the sessions" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();

  await page.goto(`${tested.server.url}/#/sessions/nobody`);
  await page.getByText("There is no such session").waitFor();
  await page.goto(`${tested.server.url}/#/elsewhere`);
  await page.getByText("There is nothing at this address").waitFor();
  // Who is signed in needs no sign-in page.
  await page.goto(`${tested.server.url}/#/sign-in`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  takeOut(tab, /status of 404/);
});

test("thousands of sessions are walked by a few rows; words, doings, profiles and days find the rest", async () => {
  const { page, requests } = await tested.open();
  await row(page, `Kept work ${SEEDED - 1}`).waitFor();
  const rows = sessions(page).getByRole("listitem");
  expect(await rows.count()).toBeLessThan(40);
  const pagesBefore = requests.filter((path) => path.includes("/sessions?")).length;

  // The list is scrolled to its end: page by page, and never more than a few rows.
  const list = sessions(page).getByRole("list", { name: "Sessions" }).locator("..");
  const last = row(page, /Kept work 2 /);
  await sessions(page)
    .getByRole("link", { name: /Kept work/ })
    .first()
    .focus();
  await expect
    .poll(
      async () => {
        await page.keyboard.press("End");
        return last.or(row(page, /Kept work 0/)).count();
      },
      { timeout: 60_000 },
    )
    .toBeGreaterThan(0);
  expect(await rows.count()).toBeLessThan(40);
  expect(await list.evaluate((element) => (element as unknown as Scrolled).scrollTop)).toBeGreaterThan(SEEDED * 50);
  expect(requests.filter((path) => path.includes("/sessions?")).length - pagesBefore).toBeLessThan(SEEDED / 100 + 5);

  await page.keyboard.press("/");
  await page.keyboard.type("kept 1234");
  await row(page, "Kept work 1234").waitFor();
  expect(await rows.count()).toBe(1);
  await page.getByText(/^1 of 3k sessions$/).waitFor();
  await page.keyboard.press("Escape");

  await page.getByRole("button", { name: "Filters" }).click();
  await page.getByRole("combobox", { name: "Profile" }).selectOption("careful");
  await page.getByText("No session is like that").waitFor();
  await page.getByRole("combobox", { name: "Profile" }).selectOption("");
  await page.getByLabel("Active from").fill("2020-01-02");
  await page.getByLabel("to", { exact: true }).fill("2020-01-02");
  await row(page, /Kept work/)
    .first()
    .waitFor();
  // A day of minutes, whatever the time zone: nothing of the latest is among it.
  await expect.poll(() => row(page, `Kept work ${SEEDED - 1}`).count()).toBe(0);
  await page.getByRole("button", { name: "Filters, 2 set" }).waitFor();
  await page.getByLabel("What they do").selectOption("running");
  await page.getByText("No session is like that").waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  await row(page, `Kept work ${SEEDED - 1}`).waitFor();
});

test("a new session has what the dialog says, and its first message is on its way", async () => {
  const { page } = await tested.open();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("c");
  const dialog = page.getByRole("dialog", { name: "New session" });
  await dialog.getByLabel("What is to be done?").fill(`Count the letters ${script([{ text: "three letters" }])}`);
  await dialog.getByLabel("Profile").selectOption("careful");
  await dialog.getByText("Model, permissions, files").click();
  await dialog.getByLabel("Model").fill("claude-haiku-4-5");
  await dialog.getByLabel("Effort").selectOption("low");
  await dialog.getByLabel("Permission mode").selectOption("acceptEdits");
  const input = dialog.locator("input[type=file]");
  await input.setInputFiles([
    { name: "letters.txt", mimeType: "text/plain", buffer: Buffer.from("abc") },
    { name: "not this.bin", mimeType: "application/octet-stream", buffer: Buffer.from([0, 255]) },
  ]);
  await dialog.getByRole("button", { name: "Leave out not this.bin" }).click();
  await dialog.getByLabel("Name", { exact: true }).fill("Letters");
  await dialog.getByRole("button", { name: "Create and send" }).click();

  await page.getByText("three letters", { exact: true }).first().waitFor();
  await dialog.waitFor({ state: "detached" });
  const sessionId = page.url().split("/").at(-1)!;
  const state = await tested.server.state(sessionId);
  expect(state).toMatchObject({
    name: "Letters",
    agentProfileReference: "careful",
    sessionOptions: { model: "claude-haiku-4-5", effort: "low", permissionMode: "acceptEdits" },
  });
  const { files } = await request<{ files: { path: string }[] }>("GET", `/sessions/${sessionId}/files`);
  expect(files.map(({ path }) => path)).toEqual(["letters.txt"]);
  await row(page, "Letters").waitFor();
});

test("a profile is made by the form with the server's errors at its fields, changed as JSON, and never written over unseen", async () => {
  const tab = await tested.open({ path: "/profiles" });
  const { page } = tab;
  // Of the configuration: it says so, and can be copied.
  await page.getByRole("link", { name: /Careful/ }).click();
  await page
    .getByRole("note")
    .getByText(/one of the server's configuration: change it there/)
    .waitFor();
  expect(await page.getByRole("button", { name: /Save|Delete/ }).count()).toBe(0);
  expect(await page.getByRole("textbox", { name: "Name needed" }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Copy to a new profile" }).click();
  await expect.poll(() => page.getByRole("textbox", { name: "Name needed" }).inputValue()).toBe("Careful (copy)");
  await page.getByRole("link", { name: "Profiles", exact: true }).last().click();
  await page.getByRole("button", { name: "New profile" }).click();
  await page.getByLabel("Id", { exact: false }).and(page.locator("input:not([type=search])")).fill("reviewer");
  await page.getByRole("button", { name: "Add to skills" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("3 fields need a change:").waitFor();
  await page.getByRole("button", { name: "skills.0.name" }).click();
  const skillName = page.getByRole("group", { name: "Skills" }).getByLabel("Name");
  await expect.poll(() => skillName.evaluate(hasFocus)).toBe(true);
  expect(await skillName.getAttribute("aria-invalid")).toBe("true");
  await skillName.fill("weigh");
  await page.getByRole("group", { name: "Skills" }).getByLabel("Description").fill("Weighs things");
  await page.getByRole("textbox", { name: "Name needed" }).first().fill("Reviewer");
  await page.keyboard.press("Control+s");
  await page.getByText(/reviewer is saved/).waitFor();
  await expect.poll(() => page.url()).toContain("/profiles/reviewer");
  expect((await request<{ profile: object }>("GET", "/agent-profiles/reviewer")).profile).toMatchObject({
    name: "Reviewer",
    tools: ["Read", "Write", "Edit", "Bash"],
    skills: [{ name: "weigh", description: "Weighs things", skillMd: "" }],
  });

  // As JSON; what is no JSON, and what the server refuses, is said with where it stands.
  await page.getByRole("tab", { name: "JSON" }).click();
  const text = page.getByLabel("The profile as JSON");
  await text.fill("{");
  await page.getByText(/This is not JSON yet/).waitFor();
  expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  await text.fill('{\n  "id": "reviewer",\n  "name": "Reviewer",\n  "effort": "most"\n}');
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: /line 4.*effort/ }).click();
  expect(await text.evaluate(selectedText)).toBe('"most"');

  // What is not saved yet is there again for who looked at something else meanwhile.
  await page.getByRole("link", { name: "Agent Runtime" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.goBack();
  await page
    .getByRole("combobox", { name: "Effort" })
    .or(page.getByRole("tab", { name: "JSON" }))
    .first()
    .waitFor();
  await page.getByRole("tab", { name: "JSON" }).click();
  await expect.poll(() => text.inputValue()).toContain('"most"');

  // Somebody else was quicker.
  await text.fill('{ "id": "reviewer", "name": "Reviewer", "effort": "high" }');
  await request("PUT", "/agent-profiles/reviewer", { id: "reviewer", name: "Theirs" });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody has changed this profile since you opened it.").waitFor();
  await page.getByRole("button", { name: "Save mine over it" }).click();
  const kept = async (): Promise<object> =>
    (await request<{ profile: object }>("GET", "/agent-profiles/reviewer")).profile;
  await expect.poll(kept).toEqual({ id: "reviewer", name: "Reviewer", effort: "high" });

  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await page.getByText("The profile reviewer is deleted.").waitFor();
  await expect.poll(() => page.getByRole("link", { name: /Reviewer/ }).count()).toBe(0);
  takeOut(tab, /status of 400/);
});

test("everything is reached by keys; the theme stays, and is there before the first paint", async () => {
  const tab = await tested.open({ colorScheme: "light" });
  const { page } = tab;
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const theme = () => page.evaluate<string>("document.documentElement.dataset.theme");
  expect(await theme()).toBe("light");
  await page.keyboard.press("Control+k");
  await page.getByPlaceholder("What do you want to do?").waitFor();
  await page.keyboard.type("dark");
  await page.keyboard.press("Enter");
  await expect.poll(theme).toBe("dark");
  await page.route(/\/assets\//, (route) => route.abort());
  await page.reload({ waitUntil: "commit" });
  // Nothing of the page's own code has run.
  await expect.poll(theme).toBe("dark");
  await page.unroute(/\/assets\//);
  takeOut(tab, /ERR_FAILED/);
  await page.reload();
  await page.getByRole("heading", { name: "Overview" }).waitFor();

  // A part that is not there any more, as after an upgrade of the server, is said; the rest goes on.
  await page.route(/\/assets\/(help|profiles-page)-/, (route) => route.abort());
  await page.keyboard.press("?");
  await page
    .getByRole("alert")
    .getByText(/This part of the page could not be fetched/)
    .waitFor();
  await page.getByRole("link", { name: "Profiles" }).click();
  await page.getByRole("main").getByRole("button", { name: "Reload the page" }).waitFor();
  await page.unroute(/\/assets\/(help|profiles-page)-/);
  takeOut(tab, /ERR_FAILED|imported module/);
  await page.getByRole("link", { name: "Agent Runtime" }).click();
  await page.reload();
  await page.getByRole("heading", { name: "Overview" }).waitFor();

  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await help.getByText("New session").waitFor();
  // Keys of the page do nothing behind a dialog.
  await page.keyboard.press("c");
  expect(await page.getByRole("dialog").count()).toBe(1);
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await page.getByRole("heading", { name: "Profiles" }).waitFor();
  expect(await page.title()).toBe("Profiles · Agent Runtime");
  await page.keyboard.press("Control+b");
  await sessions(page).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Show the sessions" }).waitFor();
  // Also where the field is not there yet.
  await page.keyboard.press("/");
  await expect
    .poll(() =>
      page
        .getByRole("searchbox")
        .evaluate(hasFocus)
        .catch(() => false),
    )
    .toBe(true);
  // Plain keys are text while one types.
  await page.keyboard.type("cg?");
  expect(await page.getByRole("searchbox").inputValue()).toBe("cg?");
  expect(await page.getByRole("dialog").count()).toBe(0);
});

const SCREENS: readonly (readonly [name: string, path: string, open?: (page: Page) => Promise<unknown>])[] = [
  ["the overview and its filters", "/", (page) => page.getByRole("button", { name: "Filters" }).click()],
  ["a new session", "/", (page) => page.keyboard.press("c")],
  ["the commands", "/", (page) => page.keyboard.press("Control+k")],
  ["the keys", "/", (page) => page.keyboard.press("?")],
  ["the profiles", "/profiles"],
  ["a profile", "/profiles/careful"],
  ["a profile as JSON", "/profiles/careful", (page) => page.getByRole("tab", { name: "JSON" }).click()],
];
const PANELS = ["files", "events", "usage", "sandbox", "subagents"];

test("axe finds nothing serious on any screen, in either theme, nor on a phone", async () => {
  const sessionId = await tested.createSession({ name: "Looked at" });
  const write = { name: "Write", input: { file_path: "/workspace/a.md", content: "# A\n" } };
  const text = "**It** is `written`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
  await tested.send(sessionId, `look ${script([{ thinking: "Hm.", tools: [write] }, { text }])}`);
  await tested.server.until(sessionId, (state) => state.lastTurn !== undefined);
  const asking = await tested.createSession({ name: "Asking", agentProfileRef: "careful" });
  await tested.send(asking, `write ${script([{ tools: [write] }, { text: "done" }])}`);
  await tested.server.until(asking, (state) => state.asks.length > 0);
  const found: string[] = [];
  const look = async (page: Page, name: string): Promise<void> => {
    await page.getByRole("dialog").or(page.getByRole("main")).first().waitFor();
    found.push(...(await seriousFaults(page)).map((fault) => `${name}: ${fault}`));
  };
  for (const colorScheme of ["light", "dark"] as const) {
    const { page } = await tested.open({ colorScheme, reducedMotion: "reduce" });
    const go = (path: string): Promise<unknown> => page.evaluate((hash) => (location.hash = hash), path);
    for (const [name, path, open] of SCREENS) {
      await go(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await open?.(page);
      await look(page, `${name}, ${colorScheme}`);
      if (await page.getByRole("dialog").isVisible()) await page.keyboard.press("Escape");
    }
    for (const panel of PANELS) {
      await go(`/sessions/${sessionId}/${panel}`);
      await page.getByText("It", { exact: true }).first().waitFor();
      await look(page, `${panel}, ${colorScheme}`);
    }
    await go(`/sessions/${asking}`);
    await page.getByRole("button", { name: "Allow once" }).waitFor();
    await look(page, `an ask, ${colorScheme}`);
  }
  const phone = await tested.open({ viewport: { width: 390, height: 844 }, reducedMotion: "reduce", hasTouch: true });
  await look(phone.page, "the overview, on a phone");
  await phone.page.getByRole("button", { name: "Sessions" }).tap();
  await phone.page.getByRole("dialog", { name: "Sessions" }).getByText("Looked at").waitFor();
  await look(phone.page, "the sessions, on a phone");
  await phone.page.getByRole("dialog", { name: "Sessions" }).getByText("Looked at").tap();
  await phone.page.getByText("It", { exact: true }).first().waitFor();
  await phone.page.getByRole("dialog").waitFor({ state: "detached" });
  await look(phone.page, "a session, on a phone");
  // Nothing is wider than the phone.
  expect(await phone.page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  const stranger = await tested.open({ key: null });
  await stranger.page.getByLabel("API key").waitFor();
  await look(stranger.page, "signing in");
  expect(found).toEqual([]);
});

test("a server that is away is said, and what was there stays; when it is back the list is live again", async () => {
  const tab = await tested.open();
  const { page } = tab;
  await row(page, "Looked at").waitFor();
  const restart = await tested.kill();
  await page.getByText("The server does not answer.").waitFor();
  expect(await row(page, "Looked at").isVisible()).toBe(true);
  await restart();
  await page.getByText("The server does not answer.").waitFor({ state: "detached" });
  await tested.createSession({ name: "Made afterwards" });
  await row(page, "Made afterwards").waitFor();
  takeOut(tab, /ERR_CONNECTION|Failed to load|WebSocket/);
});
