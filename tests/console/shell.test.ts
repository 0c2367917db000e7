import { script } from "@hhopkins/agent-runtime-testkit";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startConsoleUnderTest, takeOut, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { seedList } from "./testing/seeded-list.ts";
import { selectedText } from "./testing/selected-text.ts";
import { button, conversation, go, hasFocus } from "./testing/session-parts.ts";

/** Kept from long ago, so that the list has more than anybody looks at. */
const SEEDED = 3000;
const CAREFUL = { id: "careful", name: "Careful", tools: ["Read", "Write"], permissions: { ask: ["Write"] } };
let tested: ConsoleUnderTest;

beforeAll(async () => {
  tested = await startConsoleUnderTest({
    profiles: [{ id: "default", name: "Default Agent" }, CAREFUL],
    prepare: (folder) => seedList(folder, SEEDED),
  });
});
afterEach(() => tested.closeTabs());
afterAll(() => tested[Symbol.asyncDispose]());

const sessions = (page: Page) => page.getByRole("navigation", { name: "Sessions" });
const main = (page: Page) => page.getByRole("main");
const notices = (page: Page) => page.getByRole("region", { name: "Notices" });
const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name, exact: true });
const row = (page: Page, name: string | RegExp) => sessions(page).getByRole("listitem").filter({ hasText: name });

// What runs in the page; these tests have no types of it.
interface Scrolled {
  readonly scrollTop: number;
}

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await tested.server.request(method, path, body);
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

test("a session is in the list as soon as it is made, says what it does and costs, and is gone when it is deleted", async () => {
  const tab = await tested.open();
  const { page } = tab;
  await heading(page, "Overview").waitFor();
  const sessionId = await tested.createSession({ name: "Careful work", agentProfileRef: "careful" });
  const own = row(page, "Careful work");
  await own.getByText("Asleep").waitFor();

  const write = { name: "Write", input: { file_path: "/workspace/a.txt", content: "a" } };
  await tested.send(sessionId, `write ${script([{ tools: [write] }, { text: "all written" }])}`);
  await own.getByText("Needs an answer").waitFor();
  // The overview has it where one looks first.
  const waiting = main(page).locator("section", { has: page.getByRole("heading", { name: "Needs an answer" }) });
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
  await notices(page).getByText("Careful work is saved and asleep.").waitFor();
  await own.getByText("Asleep").waitFor();

  // Deleted by somebody else, under the reader: what was shown stays, and why nothing goes on is said.
  const words = conversation(page).getByText("all written", { exact: true });
  await words.waitFor();
  await request("DELETE", `/sessions/${sessionId}`);
  await page.getByRole("alert").getByText("This session has been deleted.").waitFor();
  await own.waitFor({ state: "detached" });
  expect(await words.isVisible()).toBe(true);
  await page.getByRole("alert").getByRole("link", { name: "To the sessions" }).click();
  await heading(page, "Overview").waitFor();

  await go(page, "/sessions/nobody");
  await main(page).getByText("There is no such session").waitFor();
  await go(page, "/elsewhere");
  await main(page).getByText("There is nothing at this address").waitFor();
  // Who is signed in needs no sign-in page.
  await go(page, "/sign-in");
  await heading(page, "Overview").waitFor();
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
  const link = (name: string) => sessions(page).getByRole("link", { name: new RegExp(`${name}\\b`) });
  await link(`Kept work ${SEEDED - 1}`).focus();
  await expect
    .poll(
      async () => {
        await page.keyboard.press("End");
        return link("Kept work 0").count();
      },
      { timeout: 60_000 },
    )
    .toBe(1);
  // Who walks by keys keeps the focus, however far they go at once.
  await expect.poll(() => link("Kept work 0").evaluate(hasFocus)).toBe(true);
  expect(await rows.count()).toBeLessThan(40);
  expect(await list.evaluate((element) => (element as unknown as Scrolled).scrollTop)).toBeGreaterThan(SEEDED * 50);
  expect(requests.filter((path) => path.includes("/sessions?")).length - pagesBefore).toBeLessThan(SEEDED / 100 + 5);

  await page.keyboard.press("/");
  await expect.poll(() => page.getByRole("searchbox").evaluate(hasFocus)).toBe(true);
  await page.keyboard.type("kept 1234");
  await row(page, "Kept work 1234").waitFor();
  await expect.poll(() => rows.count()).toBe(1);
  await sessions(page)
    .getByText(/^1 of 3k sessions$/)
    .waitFor();
  await page.keyboard.press("Escape");

  await button(page, "Filters").click();
  const none = sessions(page).getByText("No session is like that");
  await page.getByRole("combobox", { name: "Profile" }).selectOption("careful");
  await none.waitFor();
  await page.getByRole("combobox", { name: "Profile" }).selectOption("");
  await row(page, `Kept work ${SEEDED - 1}`).waitFor();
  await page.getByLabel("Active from").fill("2020-01-02");
  await page.getByLabel("to", { exact: true }).fill("2020-01-02");
  // A day of minutes, whatever the time zone: nothing of the latest is among it.
  await expect.poll(() => row(page, `Kept work ${SEEDED - 1}`).count()).toBe(0);
  await expect.poll(() => row(page, /Kept work/).count()).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Filters, 2 set" }).waitFor();
  await page.getByLabel("What they do").selectOption("running");
  await none.waitFor();
  await button(sessions(page), "Show all").click();
  await row(page, `Kept work ${SEEDED - 1}`).waitFor();
});

test("a new session has what the dialog says, and its first message is on its way", async () => {
  const { page } = await tested.open();
  await heading(page, "Overview").waitFor();
  await page.keyboard.press("c");
  const dialog = page.getByRole("dialog", { name: "New session" });
  await dialog.getByLabel("What is to be done?").fill(`Count the letters ${script([{ text: "three letters" }])}`);
  await dialog.getByLabel("Profile").selectOption("careful");
  await dialog.getByText("Model, permissions, files").click();
  await dialog.getByLabel("Model", { exact: true }).fill("claude-haiku-4-5");
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

  await conversation(page).getByText("three letters", { exact: true }).waitFor();
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
  await main(page)
    .getByRole("link", { name: /Careful/ })
    .click();
  await page
    .getByRole("note")
    .getByText(/one of the server's configuration: change it there/)
    .waitFor();
  const form = main(page);
  const name = form.getByRole("textbox", { name: "Name needed", exact: true });
  expect(await form.getByRole("button", { name: /Save|Delete/ }).count()).toBe(0);
  expect(await name.isDisabled()).toBe(true);
  await button(form, "Copy to a new profile").click();
  await expect.poll(() => name.inputValue()).toBe("Careful (copy)");
  await form.getByRole("link", { name: "Profiles", exact: true }).click();
  await button(form, "New profile").click();
  await form.getByRole("textbox", { name: "Id needed", exact: true }).fill("reviewer");
  await button(form, "Add to skills").click();
  await button(form, "Save").click();
  await form.getByText("3 fields need a change:").waitFor();
  await button(form, "skills.0.name").click();
  const skill = form.getByRole("group", { name: "Skills" });
  const skillName = skill.getByLabel("Name");
  await expect.poll(() => skillName.evaluate(hasFocus)).toBe(true);
  expect(await skillName.getAttribute("aria-invalid")).toBe("true");
  await skillName.fill("weigh");
  await skill.getByLabel("Description").fill("Weighs things");
  // Its skill has a name, too.
  await name.first().fill("Reviewer");
  await page.keyboard.press("Control+s");
  await notices(page)
    .getByText(/reviewer is saved/)
    .waitFor();
  await expect.poll(() => page.url()).toContain("/profiles/reviewer");
  expect((await request<{ profile: object }>("GET", "/agent-profiles/reviewer")).profile).toMatchObject({
    name: "Reviewer",
    tools: ["Read", "Write", "Edit", "Bash"],
    skills: [{ name: "weigh", description: "Weighs things", skillMd: "" }],
  });

  // As JSON; what is no JSON, and what the server refuses, is said with where it stands.
  const json = form.getByRole("tab", { name: "JSON" });
  await json.click();
  const text = form.getByLabel("The profile as JSON");
  await text.fill("{");
  await form.getByText(/This is not JSON yet/).waitFor();
  await expect.poll(() => button(form, "Save").isDisabled()).toBe(true);
  await text.fill('{\n  "id": "reviewer",\n  "name": "Reviewer",\n  "effort": "most"\n}');
  await button(form, "Save").click();
  await form.getByRole("button", { name: /line 4.*effort/ }).click();
  await expect.poll(() => text.evaluate(selectedText)).toBe('"most"');

  // What is not saved yet is there again for who looked at something else meanwhile.
  await page.getByRole("link", { name: "Agent Runtime" }).click();
  await heading(page, "Overview").waitFor();
  await page.goBack();
  await json.click();
  await expect.poll(() => text.inputValue()).toContain('"most"');

  // Somebody else was quicker.
  await text.fill('{ "id": "reviewer", "name": "Reviewer", "effort": "high" }');
  await request("PUT", "/agent-profiles/reviewer", { id: "reviewer", name: "Theirs" });
  await button(form, "Save").click();
  await form.getByText("Somebody has changed this profile since you opened it.").waitFor();
  await button(form, "Save mine over it").click();
  const kept = async (): Promise<object> =>
    (await request<{ profile: object }>("GET", "/agent-profiles/reviewer")).profile;
  await expect.poll(kept).toEqual({ id: "reviewer", name: "Reviewer", effort: "high" });

  await button(form, "Delete").click();
  await button(page.getByRole("alertdialog"), "Delete").click();
  await notices(page).getByText("The profile reviewer is deleted.").waitFor();
  await expect.poll(() => form.getByRole("link", { name: /Reviewer/ }).count()).toBe(0);
  takeOut(tab, /status of 400/);
});

test("everything is reached by keys; the theme stays, and is there before the first paint", async () => {
  const tab = await tested.open({ colorScheme: "light" });
  const { page } = tab;
  await heading(page, "Overview").waitFor();
  const theme = () => page.evaluate<string>("document.documentElement.dataset.theme");
  expect(await theme()).toBe("light");
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Commands" });
  const wanted = palette.getByPlaceholder("What do you want to do?");
  await expect.poll(() => wanted.evaluate(hasFocus)).toBe(true);
  await page.keyboard.type("dark");
  await palette.getByRole("option", { name: "Dark theme", selected: true }).waitFor();
  await page.keyboard.press("Enter");
  await expect.poll(theme).toBe("dark");
  await page.route(/\/assets\//, (route) => route.abort());
  await page.reload({ waitUntil: "commit" });
  // Nothing of the page's own code has run.
  await expect.poll(theme).toBe("dark");
  await page.unroute(/\/assets\//);
  await page.reload();
  await heading(page, "Overview").waitFor();

  // A part that is not there any more, as after an upgrade of the server, is said; the rest goes on.
  await page.route(/\/assets\/(help|profiles-page)-/, (route) => route.abort());
  await page.keyboard.press("?");
  await notices(page)
    .getByText(/This part of the page could not be fetched/)
    .waitFor();
  await sessions(page).getByRole("link", { name: "Profiles" }).click();
  await button(main(page), "Reload the page").waitFor();
  await page.unroute(/\/assets\/(help|profiles-page)-/);
  await page.getByRole("link", { name: "Agent Runtime" }).click();
  await page.reload();
  await heading(page, "Overview").waitFor();

  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await help.getByText("New session").waitFor();
  // Keys of the page do nothing behind a dialog.
  await page.keyboard.press("c");
  expect(await page.getByRole("dialog").count()).toBe(1);
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await heading(page, "Profiles").waitFor();
  await expect.poll(() => page.title()).toBe("Profiles · Agent Runtime");
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
  await expect.poll(() => page.getByRole("searchbox").inputValue()).toBe("cg?");
  expect(await page.getByRole("dialog").count()).toBe(0);
  takeOut(tab, /ERR_FAILED|imported module/);
});

test("a server that is away is said, and what was there stays; when it is back the list is live again", async () => {
  await tested.createSession({ name: "Made before" });
  const tab = await tested.open();
  const { page } = tab;
  await row(page, "Made before").waitFor();
  const restart = await tested.kill();
  const away = page.getByText("The server does not answer.");
  await away.waitFor();
  expect(await row(page, "Made before").isVisible()).toBe(true);
  await restart();
  await away.waitFor({ state: "detached" });
  await tested.createSession({ name: "Made afterwards" });
  await row(page, "Made afterwards").waitFor();
  takeOut(tab, /ERR_CONNECTION|Failed to load|WebSocket/);
});
