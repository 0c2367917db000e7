import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startConsoleUnderTest, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { ELSEWHERE, hostileConversation } from "./testing/hostile-blocks.ts";
import { seedSessions } from "./testing/seeded-session.ts";
import { conversation, go } from "./testing/session-parts.ts";

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
afterEach(() => tested.closeTabs());
afterAll(() => tested[Symbol.asyncDispose]());

/** Elements that an agent's text has no way to. */
const FORBIDDEN =
  "script, iframe, object, embed, base, link, meta, style, form, input, video, audio, source, math, details, img:not([src^='blob:']):not([src^='data:image/png'])";

/** What is rendered now, by what could do harm in it. */
async function harmIn(page: Page): Promise<string[]> {
  return conversation(page).evaluate((feed, forbidden) => {
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
  const { page, requests } = await tested.open({ path: "/sessions/hostile" });
  const feed = conversation(page);
  await feed.getByText("the end of it", { exact: true }).waitFor();
  for (const id of allItems()) {
    await go(page, `/sessions/hostile?block=${id}`);
    const item = feed.locator(`[data-item="${id}"]`);
    await item.waitFor();
    // All that is folded, one in the other.
    for (;;) {
      const folded = item.locator("button[aria-expanded=false]:not([aria-haspopup])").first();
      if ((await folded.count()) === 0) break;
      await folded.click();
    }
    expect(await harmIn(page), id).toEqual([]);
  }
  expect(await page.evaluate("globalThis.ran")).toBeUndefined();
  expect(requests.filter((url) => url.includes(ELSEWHERE) || !url.startsWith("/"))).toEqual([]);
  expect(new URL(page.url()).origin).toBe(tested.server.url);
});

test("a picture from elsewhere is only a link; names show what they hide", async () => {
  const { page } = await tested.open({ path: "/sessions/hostile?block=text-14" });
  const feed = conversation(page);
  const open = feed.locator('[data-item="text-14"]').getByRole("link");
  await open.waitFor();
  expect(await open.textContent()).toBe("Open from elsewhere.example");
  await go(page, "/sessions/hostile?block=subagent");
  await feed
    .getByRole("button", { name: "Subagent <img src=x onerror=globalThis.ran=1>⟨202E⟩gnp.exe⟨200B⟩" })
    .waitFor();
});

/** Items of the fixture: each block, without the results, which stand with their calls. */
function allItems(): string[] {
  return hostileConversation("x").flatMap(({ type, data }) =>
    type === "session:block:start" && data.conversationId === "main" && data.block.type !== "tool_result"
      ? [data.block.id]
      : [],
  );
}
