import type { ConversationBlock } from "@hhopkins/agent-runtime-protocol";
import type { Locator, Page } from "playwright-core";
import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startConsoleUnderTest, takeOut, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { blockOf, saidBlocks, seedSessions } from "./testing/seeded-session.ts";
import { conversation } from "./testing/session-parts.ts";

const COUNT = 10_000;
const HUGE = 20_000_000;
/** What a state holds of it; the rest comes by pages of 100. */
const WINDOW = 500;
const PAGE = 100;
/** Of a block that an address names: so many pages are brought on the way to it, out of 95. */
const OLD_PAGES = 12;
const OLD = COUNT - WINDOW - OLD_PAGES * PAGE + PAGE / 2;
const WAIT = { timeout: 60_000 };

let tested: ConsoleUnderTest;

beforeAll(async () => {
  tested = await startConsoleUnderTest({
    prepare: (folder) =>
      seedSessions(folder, [
        { sessionId: "long", name: "Ten thousand", events: saidBlocks("long", longConversation()) },
        { sessionId: "folded", name: "Folded", events: saidBlocks("folded", foldedCalls()) },
        { sessionId: "huge", name: "Twenty megabytes", events: saidBlocks("huge", hugeResult()) },
      ]),
  });
});
afterEach(() => tested.closeTabs());
afterAll(() => tested[Symbol.asyncDispose]());

/** A message and three answers, over and over, none of them as high as the others. */
function longConversation(): ConversationBlock[] {
  return Array.from({ length: COUNT }, (_, index): ConversationBlock => {
    const id = `block-${index}`;
    if (index % 4 === 0) return blockOf("user_message", id, { content: `message ${index}` });
    const content = `text ${index}\n\n${"A paragraph that has some words. ".repeat((index % 7) + 1)}`;
    return blockOf("assistant_text", id, { content });
  });
}

function hugeResult(): ConversationBlock[] {
  const call = { toolName: "Bash", toolUseId: "call", status: "success", input: { command: "yes" } } as const;
  const content = "0123456789abcdef 123456789012345\n".repeat(HUGE / 33);
  return [
    blockOf("tool_use", "use", call),
    blockOf("tool_result", "result", { toolUseId: "call", content }),
    blockOf("assistant_text", "after", { content: "after it" }),
  ];
}

/** Calls whose results fill the state, and a line each on the screen. */
function foldedCalls(): ConversationBlock[] {
  return Array.from({ length: 24 }, (_, index): ConversationBlock[] => {
    const call = { toolName: "Read", toolUseId: `use-${index}`, status: "success", input: { file_path: "a" } } as const;
    return [
      blockOf("tool_use", `call-${index}`, call),
      blockOf("tool_result", `result-${index}`, { toolUseId: call.toolUseId, content: "word ".repeat(4000) }),
    ];
  }).flat();
}

const item = (page: Page, index: number): Locator => conversation(page).locator(`[data-item="block-${index}"]`);
const pagesOf = (requests: readonly string[]): string[] => requests.filter((url) => url.includes("/blocks?"));
const nodes = (page: Page): Promise<number> =>
  conversation(page).evaluate((element) => element.querySelectorAll("*").length);

/** Pixels of a block below the upper edge of the list. */
const topOf = (block: Locator): Promise<number> =>
  block.evaluate((element) => {
    const list = element.closest("[role=feed]");
    return element.getBoundingClientRect().top - (list?.getBoundingClientRect().top ?? 0);
  });

test("10,000 blocks: opened without a page of blocks, then one page at a time, with the place kept and few elements", async () => {
  const { page, requests } = await tested.open({ path: "/sessions/long" });
  await item(page, COUNT - 1).waitFor();
  await expect.poll(() => below(page)).toBeLessThanOrEqual(2);
  expect(pagesOf(requests)).toEqual([]);
  expect(await nodes(page)).toBeLessThan(600);

  // The reader goes up until the window's first block is near: one page comes, and what they read stays where it is.
  const first = COUNT - WINDOW;
  await expect
    .poll(async () => {
      if (pagesOf(requests).length === 0) await wheel(page, -2500);
      return pagesOf(requests).length;
    }, WAIT)
    .toBe(1);
  await page.getByText("Older messages…").waitFor({ state: "detached" });
  const seen = await firstInView(page);
  const before = await topOf(seen);
  await expect.poll(async () => Math.abs((await topOf(seen)) - before)).toBeLessThanOrEqual(2);
  expect(await item(page, first).count()).toBeLessThanOrEqual(1);
  await page.getByRole("button", { name: /^Jump to latest/ }).click();
  await expect.poll(() => below(page)).toBeLessThanOrEqual(2);
  expect(pagesOf(requests)).toHaveLength(1);
});

test("an address that names an old block brings it into view, each page on the way once, and still few elements", async () => {
  const { page, requests } = await tested.open({ path: `/sessions/long?block=block-${OLD}` });
  await item(page, OLD).waitFor(WAIT);
  await expect
    .poll(async () => {
      const [top, height] = [
        await topOf(item(page, OLD)),
        await conversation(page).evaluate(({ clientHeight }) => clientHeight),
      ];
      return top >= 0 && top < height;
    })
    .toBe(true);
  const all = pagesOf(requests);
  expect([all.length, new Set(all).size]).toEqual([OLD_PAGES, OLD_PAGES]);
  expect(await nodes(page)).toBeLessThan(600);

  // Back to the end, with all of them there.
  await page.getByRole("button", { name: "Jump to latest" }).click();
  await item(page, COUNT - 1).waitFor();
  await expect.poll(() => below(page)).toBeLessThanOrEqual(2);
  expect(await nodes(page)).toBeLessThan(600);
  expect(pagesOf(requests)).toHaveLength(OLD_PAGES);
});

test.each([
  ["a window that does not fill the screen", "/sessions/folded", "call-0"],
  ["an address that names an old block", `/sessions/long?block=block-${OLD}`, `block-${OLD}`],
])(
  "older blocks that do not come are asked for once, and again when the reader says so: %s",
  async (_, path, wanted) => {
    const tab = await tested.open({ viewport: { width: 1280, height: 1600 } });
    const { page, requests } = tab;
    const refused = { status: 503, json: { error: "persistence_unavailable", detail: "The store is away." } };
    await page.route("**/blocks?*", (route) => route.fulfill(refused));
    await page.evaluate((hash) => (location.hash = hash), path);
    const alert = page.getByRole("alert").getByText("Older messages could not be fetched: The store is away.");
    await alert.waitFor();
    // Whoever asks anew as soon as it has failed has done so by now.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await page.evaluate(async () => fetch("/health"));
    await alert.waitFor();
    expect(pagesOf(requests)).toHaveLength(1);
    await page.unroute("**/blocks?*");
    await page.getByRole("button", { name: "Try again" }).click();
    await conversation(page).locator(`[data-item="${wanted}"]`).waitFor(WAIT);
    takeOut(tab, /503 \(Service Unavailable\)/);
  },
);

test("a tool's result of 20 MB is shown in part, and saved as a whole", async () => {
  const { page, requests } = await tested.open({ path: "/sessions/huge" });
  await conversation(page).getByText("after it", { exact: true }).waitFor();
  const text = (): Promise<number> => conversation(page).evaluate((element) => element.textContent?.length ?? 0);
  expect(await text()).toBeLessThan(10_000);
  await conversation(page).getByRole("button", { name: "Show all" }).click();
  await conversation(page)
    .getByText(/^The first 100k of /)
    .waitFor(WAIT);
  await expect.poll(text).toBeLessThan(110_000);
  expect(pagesOf(requests)).toHaveLength(1);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    conversation(page).getByRole("button", { name: "Download" }).click(),
  ]);
  const saved = await readFile(await download.path());
  expect([download.suggestedFilename(), saved.byteLength]).toEqual(["output.txt", Math.floor(HUGE / 33) * 33]);
});

/** Pixels below what is in view. */
function below(page: Page): Promise<number> {
  return conversation(page).evaluate(({ scrollHeight, scrollTop, clientHeight }) =>
    Math.round(scrollHeight - scrollTop - clientHeight),
  );
}

/** Turns the wheel, and waits until the list has moved and stands still: a busy browser does so later. */
async function wheel(page: Page, pixels: number): Promise<void> {
  const place = (): Promise<number> => conversation(page).evaluate(({ scrollTop }) => scrollTop);
  await conversation(page).hover();
  const before = await place();
  await page.mouse.wheel(0, pixels);
  await expect.poll(place).not.toBe(before);
  await conversation(page).evaluate(async (list) => {
    const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
    for (let last = NaN; last !== list.scrollTop; await frame()) {
      last = list.scrollTop;
      await frame();
    }
  });
}

/** The first block whose beginning is in view. */
async function firstInView(page: Page): Promise<Locator> {
  const id = await conversation(page).evaluate((list) => {
    const top = list.getBoundingClientRect().top;
    const block = [...list.querySelectorAll("[data-item]")].find(
      (element) => element.getBoundingClientRect().top >= top,
    );
    return block?.getAttribute("data-item");
  });
  return conversation(page).locator(`[data-item="${id}"]`);
}
