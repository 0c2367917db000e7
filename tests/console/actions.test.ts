import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { script } from "@hhopkins/agent-runtime-testkit";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Locator, Page, Route } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PICTURES } from "../testing/pictures.ts";
import { bash, prompt, TALK } from "../testing/prompts.ts";
import { seriousFaults } from "./testing/axe.ts";
import { startConsoleUnderTest, type ConsolePage, type ConsoleUnderTest } from "./testing/console-under-test.ts";

const SERVER = new URL("../../packages/runner/src/claude-agent-sdk/testing/asking-server.mjs", import.meta.url);
const PROFILES = [
  { id: "plain", name: "Plain", tools: ["Bash"], commands: [{ name: "review", prompt: "Look at $ARGUMENTS" }] },
  {
    id: "asking",
    name: "Asking",
    permissions: { ask: ["Bash(echo *)"] },
    externalMCPs: [{ name: "booking", command: "node", args: ["tools/asking.mjs"] }],
    defaultWorkspaceFiles: [{ path: "tools/asking.mjs", content: readFileSync(SERVER, "utf8") }],
  },
];
/** A command that runs until somebody lays a file into the workspace. */
const GATE = bash("until test -e gate; do sleep 0.1; done; rm gate");

let tested: ConsoleUnderTest;
beforeAll(async () => {
  tested = await startConsoleUnderTest();
  for (const profile of PROFILES) {
    const made = await tested.server.request("POST", "/agent-profiles", profile);
    if (made.status !== 201) throw new Error(await made.text());
  }
});
afterAll(() => tested[Symbol.asyncDispose]());

async function openSession(name: string, agentProfileRef = "plain"): Promise<ConsolePage & { id: string }> {
  const id = await tested.createSession({ agentProfileRef, name });
  const tab = await tested.open({ path: `/sessions/${id}` });
  await tab.page.getByRole("heading", { name }).waitFor();
  return { id, ...tab };
}

const field = (page: Page): Locator => page.getByRole("textbox", { name: "Message", exact: true });
const button = (page: Page | Locator, name: string): Locator => page.getByRole("button", { name, exact: true });
const card = (page: Page, text: string): Locator =>
  page.getByRole("region", { name: "Asks" }).getByRole("article").filter({ hasText: text });
const conversation = (page: Page): Locator => page.getByRole("feed", { name: "Messages" });

async function say(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press("Enter");
}

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

async function openGate(id: string): Promise<void> {
  const laid = await tested.server.request("PUT", `/sessions/${id}/files/gate`);
  if (!laid.ok) throw new Error(await laid.text());
}

const idle = (id: string): Promise<SessionState> =>
  tested.server.until(id, ({ turn, queue }) => turn === null && queue.length === 0);

function results({ blocks }: SessionState): string[] {
  return blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
}

test("asks: allowed once, denied with a reason, changed, allowed for the session; two tabs, both of which act", async () => {
  const { id, page, problems } = await openSession("Asks", "asking");
  const { page: other, problems: otherProblems } = await tested.open({ path: `/sessions/${id}` });
  await other.getByRole("heading", { name: "Asks" }).waitFor();
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
  expect(await field(page).evaluate((element) => element === document.activeElement)).toBe(true);
  await expect.poll(() => card(other, "echo one").evaluate((element) => element === document.activeElement)).toBe(true);
  await button(card(page, "echo one"), "Allow once").click();
  await other.getByText(/^Allowed by .+, elsewhere: .*echo one/).waitFor();

  await card(page, "echo two").getByLabel("Reason to deny").fill("Not on a Sunday.");
  await button(card(page, "echo two"), "Deny").click();

  await button(card(page, "echo three"), "Change…").click();
  const editor = page.getByLabel("Call it with this instead");
  await editor.fill('{ "command": ');
  expect(await button(page, "Allow with this").isDisabled()).toBe(true);
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
  const refusals = [problems, otherProblems].flatMap((all) => all.splice(0));
  expect(refusals).toEqual([expect.stringMatching(/409 \(Conflict\).*\/answer\)$/)]);

  await button(card(page, "echo five"), "Allow for the session").click();
  // The sixth is not asked. The question is a form.
  const question = card(page, "Which?");
  await question.waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  expect(await button(question, "Answer").isDisabled()).toBe(true);
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
  await field(page).focus();
  await page.evaluate((hash) => (location.hash = hash), `/sessions/${id}/asks/${encodeURIComponent(askId)}`);
  await expect.poll(() => plan.evaluate((element) => element === document.activeElement)).toBe(true);
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
    expect(await tab.getByRole("region", { name: "Asks" }).count()).toBe(0);
  }
  const answered = await tested.server.request("GET", `/sessions/${id}/events?after=0&follow=false`);
  expect((await answered.text()).split("event: session:ask:resolved").length - 1).toBe(8);
});

test("the queue is changed and withdrawn, a message steers, another one interrupts, and Stop stops", async () => {
  const { id, page } = await openSession("Queue");
  await say(page, prompt("work", { tools: [GATE] }, { text: "as planned" }));
  await tested.server.until(id, ({ blocks }) =>
    blocks.some((block) => block.type === "tool_use" && block.status === "running"),
  );

  await say(page, prompt("first", { text: "the first" }));
  await say(page, "second");
  const queue = page.getByRole("region", { name: "Queue" });
  await queue.getByText("second", { exact: true }).waitFor();
  await queue.getByRole("listitem").nth(1).getByRole("button", { name: "Withdraw the waiting message" }).click();
  await queue.getByText("second", { exact: true }).waitFor({ state: "detached" });
  await queue.getByRole("button", { name: "Edit the waiting message" }).click();
  await queue.getByLabel("Waiting message").fill(prompt("first, changed", { text: "the changed one" }));
  await button(queue, "Save").click();
  await queue.getByText(/^first, changed/).waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  // What waits stands in one place.
  expect(
    await conversation(page)
      .getByText(/^first/)
      .count(),
  ).toBe(0);

  await field(page).fill(prompt("by the way", { text: "as you wish" }));
  await field(page).press("Control+Enter");
  await queue.getByText("into this turn").waitFor();
  await openGate(id);
  await conversation(page).getByText("as you wish", { exact: true }).waitFor();
  await conversation(page).getByText("the changed one", { exact: true }).waitFor();
  await idle(id);
  expect(await queue.count()).toBe(0);

  await say(page, prompt("talk", TALK));
  await conversation(page)
    .getByText(/^word word/)
    .waitFor();
  await field(page).fill(prompt("enough", TALK));
  await page.getByRole("button", { name: "Other ways to send" }).click();
  await page.getByRole("menuitem", { name: "Stop the turn, then this" }).click();
  await tested.server.until(id, ({ turn, lastTurn }) => turn !== null && lastTurn?.status === "interrupted");
  await expect
    .poll(() =>
      conversation(page)
        .getByText(/^word word/)
        .count(),
    )
    .toBe(2);
  // By keys alone.
  await field(page).press("Control+.");
  const stopped = await idle(id);
  expect(stopped.lastTurn?.status).toBe("interrupted");
  await button(page, "Send").waitFor();
  expect(await button(page, "Stop").count()).toBe(0);
  const said = stopped.blocks.flatMap((block) =>
    block.type === "user_message" ? [block.content.split(" <<<")[0]] : [],
  );
  expect(said).toEqual(["work", "by the way", "first, changed", "talk", "enough"]);
});

test("what goes with a message, what a message can begin with, and options; a draft lives over a reload", async () => {
  const { id, page } = await openSession("Attach");
  const picture = Buffer.from(PICTURES.png, "base64");
  const [choosing] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Attach files").click()]);
  await choosing.setFiles([
    { name: "dot.png", mimeType: "image/png", buffer: picture },
    { name: "<b>notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") },
    { name: "large.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(10_000_000) },
  ]);
  await page
    .getByRole("region", { name: "Notices" })
    .getByText(/large\.bin is too large.*10 MB/)
    .waitFor();
  const tray = page.getByRole("list", { name: "Files to send" });
  expect(await tray.getByRole("listitem").allTextContents()).toEqual([
    expect.stringContaining("dot.png"),
    expect.stringContaining("<b>notes.txt"),
  ]);
  await tray.locator("img[src^=blob]").waitFor();
  await say(page, prompt("look", { text: "seen" }));
  await conversation(page).getByText("seen", { exact: true }).waitFor();
  await conversation(page).getByText("<b>notes.txt").waitFor();
  expect(await tray.count()).toBe(0);
  const { blocks } = await idle(id);
  const [message] = blocks.filter((block) => block.type === "user_message");
  expect(message?.attachments?.map(({ name }) => name)).toEqual(["dot.png", "<b>notes.txt"]);
  const kept = await tested.server.request("GET", `/sessions/${id}/messages/${message?.id}/attachments/dot.png`);
  expect(Buffer.from(await kept.arrayBuffer()).equals(picture)).toBe(true);

  await page.getByRole("button", { name: /^Options/ }).click();
  expect(await seriousFaults(page)).toEqual([]);
  await page.getByLabel("Effort").selectOption("low");
  await tested.server.until(id, ({ sessionOptions }) => sessionOptions?.effort === "low");
  const { profileVersion } = await tested.server.state(id);
  const renamed = await tested.server.request("PUT", "/agent-profiles/plain", { ...PROFILES[0], name: "Plainer" });
  expect(renamed.status).toBe(200);
  await button(page, "Take the profile as it is now").click();
  await page.getByText("It has the profile as it is now, from the next turn on.").waitFor();
  expect((await tested.server.state(id)).profileVersion).not.toBe(profileVersion);
  await page.keyboard.press("Escape");
  await page
    .getByRole("button", { name: /^Options/ })
    .getByText(/low/)
    .waitFor();

  await field(page).fill("/re");
  await page.getByRole("option", { name: /\/review/ }).waitFor();
  await field(page).press("Enter");
  expect(await field(page).inputValue()).toBe("/review ");
  await field(page).pressSequentially("this");
  await page.reload();
  await expect.poll(() => field(page).inputValue()).toBe("/review this");

  const resultSchema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
  const asked = `count ${script([{ tools: [{ name: "StructuredOutput", input: { n: 7 } }] }])}`;
  await tested.server.request("POST", `/sessions/${id}/message`, { content: asked, resultSchema });
  await page.getByText("Result of the last turn").click();
  await expect
    .poll(async () => JSON.parse((await page.getByLabel("Result as JSON").textContent()) ?? "{}"))
    .toEqual({ n: 7 });
});

test("a fork goes on beside its origin; a session goes back, and is deleted", async () => {
  const { id, page } = await openSession("Origin");
  await say(page, prompt("one", { text: "the first answer" }));
  await idle(id);
  await say(page, prompt("two", { text: "the second answer" }));
  await idle(id);
  await conversation(page).getByText("the second answer", { exact: true }).waitFor();

  // A block leads to the turn that it is of.
  const first = conversation(page).getByRole("article").filter({ hasText: "the first answer" });
  await first.last().hover();
  await first.last().getByRole("button", { name: "Fork or go back here" }).click();
  await page.getByRole("menuitem", { name: "Fork after this turn…" }).click();
  await expect.poll(() => page.getByRole("radio", { name: /^one/ }).isChecked()).toBe(true);
  await page.getByRole("dialog").getByRole("textbox", { name: "Name" }).fill("Branch");
  await button(page, "Fork").click();
  await page.getByRole("heading", { name: "Branch" }).waitFor();
  await conversation(page).getByText("the first answer", { exact: true }).waitFor();
  expect(await conversation(page).getByText("the second answer", { exact: true }).count()).toBe(0);
  await say(page, prompt("three", { text: "another way" }));
  await conversation(page).getByText("another way", { exact: true }).waitFor();
  await page.getByRole("link", { name: `forked from Session ${id.slice(0, 8)}` }).click();

  await conversation(page).getByText("the second answer", { exact: true }).waitFor();
  const choose = async (name: string): Promise<void> => {
    await button(page, "Session actions").click();
    await page.getByRole("menuitem", { name }).click();
  };
  const [archive] = await Promise.all([page.waitForEvent("download"), choose("Export")]);
  expect(archive.suggestedFilename()).toBe("Origin.ndjson.gz");
  const lines = gunzipSync(readFileSync(await archive.path())).toString();
  expect(lines).toContain("the second answer");
  await choose("Save files now");
  await page.getByText("The files are saved.").waitFor();
  await choose("Put to sleep");
  await page
    .getByRole("status", { name: "Why it is waiting" })
    .getByText(/asleep/)
    .waitFor();

  await choose("Go back…");
  const dialog = page.getByRole("dialog", { name: "Go back" });
  await dialog.getByRole("radio", { name: /^one/ }).check();
  await dialog.getByText(/^1 turn goes from the view/).waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await button(dialog, "Go back").click();
  await conversation(page).getByText("the second answer", { exact: true }).waitFor({ state: "detached" });
  await conversation(page).getByText("the first answer", { exact: true }).waitFor();
  // What it went back before can be forked still, and not be gone back to.
  await choose("Go back…");
  expect(await dialog.getByRole("radio", { name: /^two/ }).isDisabled()).toBe(true);
  await button(dialog, "Cancel").click();

  await choose("Delete…");
  await button(page.getByRole("alertdialog"), "Delete").click();
  await page.getByText("Origin was deleted.").waitFor();
  expect((await tested.server.request("GET", `/sessions/${id}`)).status).toBe(404);
  expect(page.url()).not.toContain(id);
});
