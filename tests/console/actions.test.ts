import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { script } from "@hhopkins/agent-runtime-testkit";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { PICTURES } from "../testing/pictures.ts";
import { bash, prompt, TALK } from "../testing/prompts.ts";
import { seriousFaults } from "./testing/axe.ts";
import { startConsoleUnderTest, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { button, conversation, messageField, openSession, say } from "./testing/session-parts.ts";

const PLAIN = {
  id: "plain",
  name: "Plain",
  tools: ["Bash"],
  commands: [{ name: "review", prompt: "Look at $ARGUMENTS" }],
};
/** A command that runs until somebody lays a file into the workspace. */
const GATE = bash("until test -e gate; do sleep 0.1; done; rm gate");

let tested: ConsoleUnderTest;
beforeAll(async () => {
  tested = await startConsoleUnderTest();
  const made = await tested.server.request("POST", "/agent-profiles", PLAIN);
  if (made.status !== 201) throw new Error(await made.text());
});
afterEach(() => tested.closeTabs());
afterAll(() => tested[Symbol.asyncDispose]());

const notices = (page: Page): Locator => page.getByRole("region", { name: "Notices" });
async function openGate(id: string): Promise<void> {
  const laid = await tested.server.request("PUT", `/sessions/${id}/files/gate`);
  if (!laid.ok) throw new Error(await laid.text());
}

const idle = (id: string): Promise<SessionState> =>
  tested.server.until(id, ({ turn, queue }) => turn === null && queue.length === 0);

interface Given {
  readonly type: string;
  readonly name: string;
  readonly text?: string;
}

/** In the page: somebody drops or pastes a file. */
function give(element: Element, { type, name, text }: Given): void {
  const data = new DataTransfer();
  data.items.add(new File(["a,b"], name));
  if (text !== undefined) data.setData("text/plain", text);
  const how = { bubbles: true, cancelable: true };
  if (type === "paste") element.dispatchEvent(new ClipboardEvent("paste", { ...how, clipboardData: data }));
  else element.dispatchEvent(new DragEvent("drop", { ...how, dataTransfer: data }));
}

test("the queue is changed and withdrawn, a message steers, another one interrupts, and Stop stops", async () => {
  const { id, page } = await openSession(tested, { name: "Queue", agentProfileRef: "plain" });
  await say(page, prompt("work", { tools: [GATE] }, { text: "as planned" }));
  await tested.server.until(id, ({ blocks }) =>
    blocks.some((block) => block.type === "tool_use" && block.status === "running"),
  );

  await say(page, prompt("first", { text: "the first" }));
  await say(page, "second");
  const queue = page.getByRole("region", { name: "Queue" });
  await queue.getByText("second", { exact: true }).waitFor();
  const second = queue.getByRole("listitem").filter({ has: page.getByText("second", { exact: true }) });
  await button(second, "Withdraw the waiting message").click();
  await second.waitFor({ state: "detached" });
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

  await messageField(page).fill(prompt("by the way", { text: "as you wish" }));
  await messageField(page).press("Control+Enter");
  await queue.getByText("into this turn", { exact: true }).waitFor();
  await openGate(id);
  await conversation(page).getByText("as you wish", { exact: true }).waitFor();
  await conversation(page).getByText("the changed one", { exact: true }).waitFor();
  await idle(id);
  await queue.waitFor({ state: "detached" });

  await say(page, prompt("talk", TALK));
  await conversation(page)
    .getByText(/^word word/)
    .waitFor();
  await messageField(page).fill(prompt("enough", TALK));
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
  await messageField(page).press("Control+.");
  const stopped = await idle(id);
  expect(stopped.lastTurn?.status).toBe("interrupted");
  await button(page, "Send").waitFor();
  await button(page, "Stop").waitFor({ state: "detached" });
  const said = stopped.blocks.flatMap((block) =>
    block.type === "user_message" ? [block.content.split(" <<<")[0]] : [],
  );
  expect(said).toEqual(["work", "by the way", "first, changed", "talk", "enough"]);
});

test("what goes with a message, what a message can begin with, and options; a draft lives over a reload", async () => {
  const { id, page } = await openSession(tested, { name: "Attach", agentProfileRef: "plain" });
  const picture = Buffer.from(PICTURES.png, "base64");
  const [choosing] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Attach files").click()]);
  await choosing.setFiles([
    { name: "dot.png", mimeType: "image/png", buffer: picture },
    { name: "<b>notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") },
    { name: "large.bin", mimeType: "application/octet-stream", buffer: Buffer.alloc(10_000_000) },
  ]);
  await notices(page)
    .getByText(/large\.bin is too large.*10 MB/)
    .waitFor();
  const tray = page.getByRole("list", { name: "Files to send" });
  expect(await tray.getByRole("listitem").allTextContents()).toEqual([
    expect.stringContaining("dot.png"),
    expect.stringContaining("<b>notes.txt"),
  ]);
  await tray.locator("img[src^=blob]").waitFor();
  // Dropped and pasted; with text in it, a paste is that text.
  await messageField(page).evaluate(give, { type: "drop", name: "dropped.csv" });
  await tray.getByText("dropped.csv").waitFor();
  await messageField(page).evaluate(give, { type: "paste", name: "pasted.csv" });
  await tray.getByText("pasted.csv").waitFor();
  await messageField(page).evaluate(give, { type: "paste", name: "cells.png", text: "1\t2" });
  for (const name of ["dropped.csv", "pasted.csv"]) await button(tray, `Remove ${name}`).click();
  await expect.poll(() => tray.getByRole("listitem").count()).toBe(2);
  await say(page, prompt("look", { text: "seen" }));
  await conversation(page).getByText("seen", { exact: true }).waitFor();
  await conversation(page).getByText("<b>notes.txt").waitFor();
  await tray.waitFor({ state: "detached" });
  const { blocks } = await idle(id);
  const [message] = blocks.filter((block) => block.type === "user_message");
  expect(message?.attachments?.map(({ name }) => name)).toEqual(["dot.png", "<b>notes.txt"]);
  const kept = await tested.server.request("GET", `/sessions/${id}/messages/${message?.id}/attachments/dot.png`);
  expect(Buffer.from(await kept.arrayBuffer()).equals(picture)).toBe(true);

  await page.getByRole("button", { name: /^Options/ }).click();
  const options = page.getByRole("dialog", { name: "Options" });
  await options.waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await options.getByLabel("Effort").selectOption("low");
  await tested.server.until(id, ({ sessionOptions }) => sessionOptions?.effort === "low");
  const { profileVersion } = await tested.server.state(id);
  const renamed = await tested.server.request("PUT", "/agent-profiles/plain", { ...PLAIN, name: "Plainer" });
  expect(renamed.status).toBe(200);
  await button(options, "Take the profile as it is now").click();
  await notices(page).getByText("It has the profile as it is now, from the next turn on.").waitFor();
  expect((await tested.server.state(id)).profileVersion).not.toBe(profileVersion);
  await page.keyboard.press("Escape");
  await options.waitFor({ state: "detached" });
  await page
    .getByRole("button", { name: /^Options/ })
    .getByText(/low/)
    .waitFor();

  await messageField(page).fill("/re");
  await page.getByRole("option", { name: /\/review/ }).waitFor();
  await messageField(page).press("Enter");
  await expect.poll(() => messageField(page).inputValue()).toBe("/review ");
  await messageField(page).pressSequentially("this");
  await page.reload();
  await expect.poll(() => messageField(page).inputValue()).toBe("/review this");

  const resultSchema = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
  const asked = `count ${script([{ tools: [{ name: "StructuredOutput", input: { n: 7 } }] }])}`;
  await tested.server.request("POST", `/sessions/${id}/message`, { content: asked, resultSchema });
  await page.getByText("Result of the last turn").click();
  await expect
    .poll(async () => JSON.parse((await page.getByLabel("Result as JSON").textContent()) ?? "{}"))
    .toEqual({ n: 7 });
});

test("a fork goes on beside its origin; a session goes back, and is deleted", async () => {
  const { id, page } = await openSession(tested, { name: "Origin", agentProfileRef: "plain" });
  await say(page, prompt("one", { text: "the first answer" }));
  await idle(id);
  await say(page, prompt("two", { text: "the second answer" }));
  await idle(id);
  await conversation(page).getByText("the second answer", { exact: true }).waitFor();

  // A block leads to the turn that it is of.
  const first = conversation(page)
    .getByRole("article")
    .filter({ has: page.getByText("the first answer", { exact: true }) });
  await first.hover();
  await first.getByRole("button", { name: "Fork or go back here" }).click();
  await page.getByRole("menuitem", { name: "Fork after this turn…" }).click();
  const forking = page.getByRole("dialog", { name: "Fork this session" });
  await expect.poll(() => forking.getByRole("radio", { name: /^one/ }).isChecked()).toBe(true);
  await forking.getByRole("textbox", { name: "Name" }).fill("Branch");
  await button(forking, "Fork").click();
  await page.getByRole("heading", { level: 1, name: "Branch", exact: true }).waitFor();
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
  await notices(page).getByText("The files are saved.").waitFor();
  await choose("Put to sleep");
  await page
    .getByRole("status", { name: "Why it is waiting" })
    .getByText(/asleep/)
    .waitFor();

  await choose("Go back…");
  const dialog = page.getByRole("dialog", { name: "Go back", exact: true });
  await dialog.getByRole("radio", { name: /^one/ }).check();
  await dialog.getByText(/^1 turn goes from the view/).waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await button(dialog, "Go back").click();
  await conversation(page).getByText("the second answer", { exact: true }).waitFor({ state: "detached" });
  await conversation(page).getByText("the first answer", { exact: true }).waitFor();
  // What it went back before can be forked still, and not be gone back to.
  await choose("Go back…");
  await expect.poll(() => dialog.getByRole("radio", { name: /^two/ }).isDisabled()).toBe(true);
  await button(dialog, "Cancel").click();

  await choose("Delete…");
  await button(page.getByRole("alertdialog"), "Delete").click();
  await notices(page).getByText("Origin is deleted.").waitFor();
  expect((await tested.server.request("GET", `/sessions/${id}`)).status).toBe(404);
  expect(page.url()).not.toContain(id);
});
