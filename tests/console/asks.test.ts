import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { readFileSync } from "node:fs";
import type { Locator, Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { seriousFaults } from "./testing/axe.ts";
import { startConsoleUnderTest, takeOut, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { button, conversation, go, hasFocus, messageField, openSession, say } from "./testing/session-parts.ts";

const SERVER = new URL("../../packages/runner/src/claude-agent-sdk/testing/asking-server.mjs", import.meta.url);
const permissions = { ask: ["Bash(echo *)"] };
const PROFILES = [
  {
    id: "asking",
    name: "Asking",
    permissions,
    externalMCPs: [{ name: "booking", command: "node", args: ["tools/asking.mjs"] }],
    defaultWorkspaceFiles: [{ path: "tools/asking.mjs", content: readFileSync(SERVER, "utf8") }],
  },
  { id: "for-kim", name: "For Kim", permissions, asks: { answerableBy: ["kim"] } },
  { id: "hasty", name: "Hasty", permissions, asks: { expiresAfterMs: 5000 } },
];

let tested: ConsoleUnderTest;
beforeAll(async () => {
  tested = await startConsoleUnderTest({ profiles: PROFILES });
});
afterEach(() => tested.closeTabs());
afterAll(() => tested[Symbol.asyncDispose]());

const card = (page: Page, text: string): Locator =>
  page.getByRole("region", { name: "Asks" }).getByRole("article").filter({ hasText: text });
const elsewhere = (page: Page): Locator => page.getByRole("status", { name: "Answered elsewhere" });

function distanceFromEnd({ scrollHeight, scrollTop, clientHeight }: Element): number {
  return scrollHeight - scrollTop - clientHeight;
}

/** The next request of each tab to that address waits for the others'. */
async function sendTogether(tabs: readonly Page[], address: RegExp): Promise<void> {
  let missing = tabs.length;
  const all = Promise.withResolvers<void>();
  const wait = async (route: Route): Promise<void> => {
    missing -= 1;
    if (missing === 0) all.resolve();
    await all.promise;
    await route.continue();
  };
  for (const tab of tabs) await tab.route(address, wait, { times: 1 });
}

const idle = (id: string): Promise<SessionState> =>
  tested.server.until(id, ({ turn, queue }) => turn === null && queue.length === 0);

function results({ blocks }: SessionState): string[] {
  return blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
}

test("asks: allowed once, denied with a reason, changed, allowed for the session; two tabs, both of which act", async () => {
  const { id, page, problems } = await openSession(tested, { name: "Asks", agentProfileRef: "asking" });
  const { page: other, problems: otherProblems } = await tested.open({ path: `/sessions/${id}` });
  await other.getByRole("heading", { level: 1, name: "Asks", exact: true }).waitFor();
  const commands = ["echo one", "echo two", "echo three", "echo four", "echo five", "echo six"];
  const questions = [
    {
      question: "Which?",
      header: "Colour",
      multiSelect: true,
      options: [
        { label: "Red", description: "warm" },
        { label: "Blue", description: "cold" },
      ],
    },
  ];
  const steps = [
    ...commands.map((command) => ({ tools: [bash(command)] })),
    { tools: [{ name: "AskUserQuestion", input: { questions } }] },
    { tools: [{ name: "mcp__booking__book", input: {} }] },
    { tools: [{ name: "EnterPlanMode", input: {} }] },
    { tools: [{ name: "ExitPlanMode", input: { plan: "# First this\n\n- <b>then</b> that" } }] },
    { text: "all asked" },
  ];
  await say(page, prompt("ask me", ...steps));

  await card(page, "echo one").waitFor();
  await page.getByRole("status", { name: "Why it is waiting" }).filter({ hasText: "waits for a permission" }).waitFor();
  await expect.poll(() => conversation(page).evaluate(distanceFromEnd)).toBeLessThan(2);
  // Who writes goes on writing; who does nothing is taken to the ask.
  expect(await messageField(page).evaluate(hasFocus)).toBe(true);
  await expect.poll(() => card(other, "echo one").evaluate(hasFocus)).toBe(true);
  await button(card(page, "echo one"), "Allow once").click();
  await elsewhere(other)
    .getByText(/^Allowed by .+, elsewhere: .*echo one/)
    .waitFor();

  await card(page, "echo two").getByLabel("Reason to deny").fill("Not on a Sunday.");
  await button(card(page, "echo two"), "Deny").click();

  await button(card(page, "echo three"), "Change…").click();
  const editor = page.getByLabel("Call it with this instead");
  await editor.fill('{ "command": ');
  await expect.poll(() => button(page, "Allow with this").isDisabled()).toBe(true);
  await editor.fill('{ "command": "echo something else" }');
  await button(page, "Allow with this").click();

  // Both at once: one of them counts, and neither page is left with a card.
  await card(other, "echo four").waitFor();
  await sendTogether([page, other], /\/answer$/);
  await Promise.all([
    button(card(page, "echo four"), "Allow once").click(),
    button(card(other, "echo four"), "Deny").click(),
  ]);
  await Promise.all([page, other].map((tab) => card(tab, "echo four").waitFor({ state: "detached" })));
  await expect.poll(() => problems.length + otherProblems.length).toBe(1);
  const late = problems.length === 1 ? page : other;
  const refusals = [problems, otherProblems].flatMap((all) => all.splice(0));
  expect(refusals).toEqual([expect.stringMatching(/409 \(Conflict\).*\/answer\)$/)]);
  // Whose answer came too late is told what became of it, whichever came to them first: the log or the refusal.
  await elsewhere(late)
    .getByText(/, elsewhere: .*echo four/)
    .waitFor();

  await button(card(page, "echo five"), "Allow for the session").click();
  // The sixth is not asked. The question is a form.
  const question = card(page, "Which?");
  await question.waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await expect.poll(() => button(question, "Answer").isDisabled()).toBe(true);
  await question.getByLabel("Blue").check();
  await question.getByLabel("Your own answer: Which?").fill("Green");
  await button(question, "Answer").click();

  const booking = card(page, "How many seats?");
  await button(booking, "Send").click();
  await booking.getByText("seats is needed.").waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await booking.getByRole("textbox", { name: "seats (needed)" }).fill("2");
  await button(booking, "Send").click();

  // A plan is markdown, and nothing more than that. Its address leads to it.
  const plan = card(page, "Is this plan how to go on?");
  await plan.getByRole("heading", { name: "First this" }).waitFor();
  await plan.getByText("<b>then</b> that").waitFor();
  const [{ askId } = { askId: "" }] = (await tested.server.state(id)).asks;
  await messageField(page).focus();
  await go(page, `/sessions/${id}/asks/${encodeURIComponent(askId)}`);
  await expect.poll(() => plan.evaluate(hasFocus)).toBe(true);
  await plan.getByLabel("Reason to keep planning").fill("Think again.");
  await button(plan, "Keep planning").click();

  const state = await idle(id);
  const [one, two, three, four, ...more] = results(state);
  expect([one, two, three]).toEqual(["one", expect.stringContaining("Not on a Sunday."), "something else"]);
  expect(four === "four" || four?.includes("denied") === true || four?.includes("doesn't want") === true).toBe(true);
  expect(more.slice(0, 2)).toEqual(["five", "six"]);
  expect(more[2]).toMatch(/Blue.*Green/);
  expect(JSON.parse(more[3] ?? "")).toEqual({ action: "accept", content: { seats: 2 } });
  expect(more.at(-1)).toContain("Think again.");
  for (const tab of [page, other]) {
    await conversation(tab).getByText("all asked", { exact: true }).waitFor();
    await tab.getByRole("region", { name: "Asks" }).waitFor({ state: "detached" });
  }
  const answered = await tested.server.request("GET", `/sessions/${id}/events?after=0&follow=false`);
  expect((await answered.text()).split("event: session:ask:resolved").length - 1).toBe(8);
});

test("an ask that nobody answers in time says so, and one of somebody else's says whose it is", async () => {
  const { page: hasty } = await openSession(tested, { name: "Hasty", agentProfileRef: "hasty" });
  await say(hasty, prompt("quick", { tools: [bash("echo late")] }, { text: "so be it" }));
  await card(hasty, "echo late")
    .getByText(/ · denied in \d+ s/)
    .waitFor();

  const kims = await openSession(tested, { name: "For Kim", agentProfileRef: "for-kim" });
  await say(kims.page, prompt("kim", { tools: [bash("echo kim")] }, { text: "done" }));
  const own = card(kims.page, "echo kim");
  await own.getByText(/ · only kim may answer$/).waitFor();
  await button(own, "Allow once").click();
  await own.getByRole("alert").waitFor();
  expect((await tested.server.state(kims.id)).asks).toHaveLength(1);
  takeOut(kims, /403 \(Forbidden\)/);

  await elsewhere(hasty)
    .getByText(/^Denied.*, because nobody answered in time: .*echo late/)
    .waitFor();
  await card(hasty, "echo late").waitFor({ state: "detached" });
  await conversation(hasty).getByText("so be it", { exact: true }).waitFor();
});
