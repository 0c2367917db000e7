import { script } from "@hhopkins/agent-runtime-testkit";
import type { Locator, Page } from "playwright-core";
import { expect, test } from "vitest";
import { seriousFaults, seriousFaultsInBothThemes } from "./testing/axe.ts";
import { startConsoleUnderTest } from "./testing/console-under-test.ts";
import { button, conversation, go } from "./testing/session-parts.ts";

const CAREFUL = { id: "careful", name: "Careful", tools: ["Read", "Write"], permissions: { ask: ["Write"] } };
const main = (page: Page) => page.getByRole("main");

interface Screen {
  readonly path: string;
  readonly open?: (page: Page) => Promise<unknown>;
  /** It is there when this is. */
  readonly sign: (page: Page) => Locator;
}

const dialog = (page: Page) => page.getByRole("dialog");
const SCREENS: Readonly<Record<string, Screen>> = {
  "the overview and its filters": {
    path: "/",
    open: (page) => button(page, "Filters").click(),
    sign: (page) => page.getByLabel("What they do"),
  },
  "a new session": {
    path: "/",
    open: (page) => page.keyboard.press("c"),
    sign: (page) => dialog(page).getByLabel("What is to be done?"),
  },
  "the commands": {
    path: "/",
    open: (page) => page.keyboard.press("Control+k"),
    sign: (page) => dialog(page).getByPlaceholder("What do you want to do?"),
  },
  "the keys": {
    path: "/",
    open: (page) => page.keyboard.press("?"),
    sign: (page) => dialog(page).getByText("Everywhere", { exact: true }),
  },
  "the profiles": { path: "/profiles", sign: (page) => main(page).getByRole("link", { name: /Careful/ }) },
  "a profile": { path: "/profiles/careful", sign: (page) => main(page).getByRole("note") },
  "a profile as JSON": {
    path: "/profiles/careful",
    open: (page) => page.getByRole("tab", { name: "JSON" }).click(),
    sign: (page) => page.getByLabel("The profile as JSON"),
  },
};

test("axe finds nothing serious on any screen, in either theme, nor on a phone", async () => {
  await using tested = await startConsoleUnderTest({ profiles: [{ id: "default", name: "Default Agent" }, CAREFUL] });
  const sessionId = await tested.createSession({ name: "Looked at" });
  const write = { name: "Write", input: { file_path: "/workspace/a.md", content: "# A\n" } };
  const text = "**It** is `written`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
  await tested.send(sessionId, `look ${script([{ thinking: "Hm.", tools: [write] }, { text }])}`);
  await tested.server.until(sessionId, (state) => state.lastTurn !== undefined);
  const asking = await tested.createSession({ name: "Asking", agentProfileRef: "careful" });
  await tested.send(asking, `write ${script([{ tools: [write] }, { text: "done" }])}`);
  await tested.server.until(asking, (state) => state.asks.length > 0);
  const found: string[] = [];
  const note = (name: string, faults: readonly string[]): unknown =>
    found.push(...faults.map((fault) => `${name}: ${fault}`));
  const written = (page: Page) => conversation(page).getByText("It", { exact: true });

  const { page } = await tested.open();
  for (const [name, { path, open, sign }] of Object.entries(SCREENS)) {
    await go(page, path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await open?.(page);
    await sign(page).waitFor();
    note(name, await seriousFaultsInBothThemes(page));
    if ((await dialog(page).count()) > 0) await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "detached" });
  }
  await go(page, `/sessions/${sessionId}`);
  await written(page).waitFor();
  note("a session", await seriousFaultsInBothThemes(page));
  await go(page, `/sessions/${asking}`);
  await button(page, "Allow once").waitFor();
  note("an ask", await seriousFaultsInBothThemes(page));

  const { page: phone } = await tested.open({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await phone.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  note("the overview, on a phone", await seriousFaults(phone));
  await button(phone, "Sessions").tap();
  const drawer = phone.getByRole("dialog", { name: "Sessions" });
  await drawer.getByText("Looked at").waitFor();
  note("the sessions, on a phone", await seriousFaults(phone));
  await drawer.getByText("Looked at").tap();
  await written(phone).waitFor();
  await drawer.waitFor({ state: "detached" });
  note("a session, on a phone", await seriousFaults(phone));
  // Nothing is wider than the phone.
  expect(await phone.evaluate("document.documentElement.scrollWidth")).toBe(390);
  const { page: stranger } = await tested.open({ key: null });
  await stranger.getByLabel("API key").waitFor();
  note("signing in", await seriousFaultsInBothThemes(stranger));
  expect(found).toEqual([]);
});
