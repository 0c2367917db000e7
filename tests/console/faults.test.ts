import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { prompt } from "../testing/prompts.ts";
import { startConsoleUnderTest, type ConsolePage, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { button, conversation, go, messageField, say } from "./testing/session-parts.ts";

let tested: ConsoleUnderTest;
beforeAll(async () => {
  tested = await startConsoleUnderTest();
});
afterEach(() => tested.closeTabs());
afterAll(() => tested[Symbol.asyncDispose]());

/** Numbered words, so that what is lost or doubled is seen. */
const COUNT = { text: Array.from({ length: 350 }, (_, n) => `w${n}`).join(" "), chunk: 5, delayMs: 25 };

const why = (page: Page) => page.getByRole("status", { name: "Why it is waiting" });
const connection = (page: Page) => page.getByRole("status", { name: "Connection" });

/** Takes out what the browser says of requests that failed; answers what else there was. */
function besides({ problems }: ConsolePage, expected: RegExp): string[] {
  return problems.splice(0).filter((problem) => !expected.test(problem));
}
/** A server that has only just begun may not have its store yet. */
const AWAY = /net::ERR_|WebSocket connection to|503 \(Service Unavailable\)/;

test("a server that is killed amid the words, and one that is away: the page says so, and nothing is lost or doubled", async () => {
  const [id, second] = [await tested.createSession({ name: "First" }), await tested.createSession({ name: "Second" })];
  const tab = await tested.open({ path: `/sessions/${id}` });
  const { page } = tab;
  await say(page, prompt("count", COUNT));
  const words = conversation(page).getByText(/^w0 w1 /);
  await words.waitFor();
  const restart = await tested.kill();
  await why(page)
    .getByText(/line to the server is cut/)
    .waitFor();
  await expect.poll(() => connection(page).textContent()).toBe("Reconnecting");
  const session = page.getByRole("region", { name: "Session", exact: true });
  await button(session, "Try now").click();
  await expect.poll(() => connection(page).textContent()).toBe("Reconnecting");
  const before = await words.textContent();

  // What is sent meanwhile says that it was not, and is kept.
  await say(page, prompt("and then", { text: "then this" }));
  await conversation(page)
    .getByText(/^Not sent/)
    .waitFor();
  // Another session is opened while the server is away.
  await go(page, `/sessions/${second}`);
  await page.getByRole("main").getByText("The session is not here yet", { exact: true }).waitFor();
  await restart();
  await page.getByRole("heading", { level: 1, name: "Second", exact: true }).waitFor();
  await expect.poll(() => connection(page).textContent()).toBe("Live");

  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "First", exact: true }).waitFor();
  await expect.poll(() => connection(page).textContent()).toBe("Live");
  await button(conversation(page), "Send again").click();
  await conversation(page).getByText("then this", { exact: true }).waitFor();
  const state = await tested.server.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  const said = state.blocks.flatMap((block) => (block.type === "assistant_text" ? [block.content] : []));
  expect(said).toEqual([COUNT.text, "then this"]);
  expect(said[0]?.startsWith(before ?? "?")).toBe(true);
  await expect.poll(() => words.textContent()).toBe(COUNT.text);
  expect(await conversation(page).getByText("then this", { exact: true }).count()).toBe(1);
  expect(state.blocks.filter(({ type }) => type === "user_message")).toHaveLength(2);
  expect(besides(tab, AWAY)).toEqual([]);
});

test("a session is deleted under its reader; one that never was is not there", async () => {
  const id = await tested.createSession({ name: "Doomed" });
  const reader = await tested.open({ path: `/sessions/${id}` });
  await say(reader.page, prompt("hello", { text: "hello to you" }));
  await conversation(reader.page).getByText("hello to you", { exact: true }).waitFor();
  expect((await tested.server.request("DELETE", `/sessions/${id}`)).status).toBe(204);
  await reader.page.getByRole("alert").getByText("This session has been deleted.").waitFor();
  // What was read stays until one leaves, and nothing can be said to it any more.
  await messageField(reader.page).waitFor({ state: "detached" });
  await conversation(reader.page).getByText("hello to you", { exact: true }).waitFor();
  await reader.page.getByRole("link", { name: "To the sessions" }).click();
  await expect.poll(() => reader.page.getByText("Doomed").count()).toBe(0);

  await go(reader.page, "/sessions/never-was");
  await reader.page.getByText("There is no such session", { exact: true }).waitFor();
  expect(besides(reader, /404 \(Not Found\)|WebSocket connection to/)).toEqual([]);
});
