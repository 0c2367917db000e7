import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startConsoleUnderTest, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { ELSEWHERE, hostileConversation } from "./testing/hostile-blocks.ts";
import { seedSessions } from "./testing/seeded-session.ts";

let tested: ConsoleUnderTest;

beforeAll(async () => {
  tested = await startConsoleUnderTest({
    prepare: (folder) =>
      seedSessions(folder, [
        {
          sessionId: "hostile",
          name: `<img src=x onerror="globalThis.ran=1">`,
          events: hostileConversation("hostile"),
        },
      ]),
  });
});
afterAll(() => tested[Symbol.asyncDispose]());

const feedOf = (page: Page) => page.getByRole("feed", { name: "Messages" }).first();

/** Elements that an agent's text has no way to. */
const FORBIDDEN =
  "script, iframe, object, embed, base, link, meta, style, form, input, video, audio, source, math, details, img:not([src^='blob:']):not([src^='data:image/png'])";

/** What is rendered now, by what could do harm in it. */
async function harmIn(page: Page): Promise<string[]> {
  return feedOf(page).evaluate((feed, forbidden) => {
    const harm = [...feed.querySelectorAll(forbidden)].map((element) => element.outerHTML.slice(0, 200));
    for (const element of feed.querySelectorAll("*"))
      for (const { name, value } of element.attributes)
        if (/^on|^srcdoc$|^style$/.test(name) && !element.hasAttribute("role")) harm.push(`${name}=${value}`);
    for (const link of feed.querySelectorAll("a")) {
      const isOwn = link.getAttribute("href")?.startsWith("#/sessions/hostile/") === true;
      const isWeb =
        /^(https?|mailto):/.test(link.href) && link.rel === "noopener noreferrer" && link.target === "_blank";
      if (!isOwn && !isWeb) harm.push(link.outerHTML.slice(0, 200));
    }
    return harm;
  }, FORBIDDEN);
}

test("whatever an agent writes: no script runs, nothing is asked for, links are safe, and the page works on", async () => {
  const tested0 = await tested.open({ path: "/sessions/hostile" }); const { page, requests } = tested0;
  const feed = feedOf(page);
  await feed.getByText("the end of it").waitFor();
  // Upwards through all of it, with all that is folded opened.
  const seen = new Set<string>();
  for (let isTop = false; !isTop;) {
    for (;;) {
      const folded = feed.locator("button[aria-expanded=false]").first();
      if ((await folded.count()) === 0) break;
      await folded.click();
    }
    if ((await feed.count())===0) { await page.screenshot({path:"/tmp/c2-h.png"}); console.log(page.url(), JSON.stringify(tested0.problems).slice(0,3000)); }
    expect(await harmIn(page)).toEqual([]);
    for (const id of await feed.locator("[data-item]").evaluateAll((all) => all.map((one) => one.dataset["item"])))
      if (id !== undefined) seen.add(id);
    isTop = await feed.evaluate((element) => {
      const top = element.scrollTop;
      element.scrollTop -= element.clientHeight / 2;
      return top === 0;
    });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
  expect(seen.size).toBe(feedSize());
  expect(await page.evaluate("globalThis.ran")).toBeUndefined();
  expect(requests.filter((url) => url.includes(ELSEWHERE) || !url.startsWith("/"))).toEqual([]);
  expect(new URL(page.url()).origin).toBe(tested.server.url);
});

test("a picture from elsewhere is only a link; names show what they hide", async () => {
  const { page } = await tested.open({ path: "/sessions/hostile?block=text-14" });
  const feed = feedOf(page);
  const open = feed.locator('[data-item="text-14"]').getByRole("link");
  await open.waitFor();
  expect(await open.textContent()).toBe("Open from elsewhere.example");
  await page.evaluate(() => (location.hash = "/sessions/hostile?block=subagent"));
  await feed
    .getByRole("button", { name: "Subagent <img src=x onerror=globalThis.ran=1>⟨202E⟩gnp.exe⟨200B⟩" })
    .waitFor();
});

/** Items of the fixture: each block, without the results, which stand with their calls. */
function feedSize(): number {
  return hostileConversation("x").filter(
    ({ type, data }) =>
      type === "session:block:start" && data.conversationId === "main" && data.block.type !== "tool_result",
  ).length;
}
