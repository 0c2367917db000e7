import { createAgentClient, type LiveEvent } from "@hhopkins/agent-runtime-client";
import { initialState, reduceAll, type ConversationBlock, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { pairToolCalls } from "@hhopkins/agent-runtime-react";
import { script } from "@hhopkins/agent-runtime-testkit";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { API_KEY } from "../testing/runtime-under-test.ts";
import { startConsoleUnderTest, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { button, conversation, go, messageField } from "./testing/session-parts.ts";

const PROFILE = {
  id: "files",
  name: "Files",
  tools: ["Read", "Write", "Edit", "Bash"],
  permissions: { ask: ["Bash(touch *)"] },
};
const FILE = "poem.md";
const write = (content: string) => ({ name: "Write", input: { file_path: `/workspace/${FILE}`, content } });
const FIRST = [
  { thinking: "A poem is wanted.", text: "I write the first line of it now.", chunk: 5, tools: [write("One leaf.\n")] },
  { tools: [{ name: "Bash", input: { command: "cp poem.md copy.md; printf '%070000d\\nthen\\n' 1 > big.txt" } }] },
  { text: "The first line stands, and there is a copy of it." },
];
const SECOND = [
  {
    text: "And now the second line.",
    chunk: 5,
    tools: [
      { name: "Edit", input: { file_path: `/workspace/${FILE}`, old_string: "One leaf.", new_string: "Two leaves." } },
      { name: "Bash", input: { command: "rm copy.md; printf '%070000d\\nnow\\n' 1 > big.txt" } },
    ],
  },
  { text: "All is done." },
];

let tested: ConsoleUnderTest;
let sessionId: string;
let page: Page;
let log: LiveEvent[];

beforeAll(async () => {
  tested = await startConsoleUnderTest({ profiles: [PROFILE] });
  sessionId = await tested.createSession({ agentProfileRef: "files", name: "A poem" });
  await turn(`Write a poem. ${script(FIRST)}`);
  await turn(`Go on. ${script(SECOND)}`);
  log = await readLog();
  // High enough that all of the conversation is in the page.
  ({ page } = await tested.open({ path: `/sessions/${sessionId}/events`, viewport: { width: 1400, height: 3000 } }));
});
afterAll(() => tested[Symbol.asyncDispose]());

async function turn(text: string): Promise<void> {
  await tested.send(sessionId, text);
  await tested.server.until(sessionId, (state) => state.turn === null && state.queue.length === 0);
}

async function readLog(): Promise<LiveEvent[]> {
  const client = createAgentClient({ baseUrl: tested.server.url, apiKey: API_KEY });
  const events: LiveEvent[] = [];
  for await (const batch of client.readEvents(sessionId)) events.push(...batch);
  return events;
}

/** `reduce(log ≤ seq)`. */
function stateAt(seq: number): SessionState {
  return reduceAll(
    initialState(sessionId, "log"),
    log.filter((event) => event.seq <= seq),
  );
}

const bar = () => page.getByRole("region", { name: "Time travel" });
const fileContent = () => page.getByRole("region", { name: "Content of the file" });
const tree = () => page.getByRole("tree", { name: "Files" });

/** What the page shows of a session: the items of the conversation with their words, and the files. */
async function shown() {
  const items = await page
    .locator("article[data-item]")
    .evaluateAll((articles) =>
      articles.map((article) => ({ id: article.getAttribute("data-item") ?? "", text: article.textContent })),
    );
  const files = (await tree().count()) === 0 ? [] : await tree().locator("bdi").allTextContents();
  return { items, files };
}

async function expectShown(state: SessionState): Promise<void> {
  const expected = pairToolCalls(state.blocks).map((item) => (item.kind === "tool" ? item.call : item.block));
  const files = state.workspaceFiles.map(({ path }) => path).sort();
  await vi.waitFor(
    async () => {
      const { items, files: names } = await shown();
      expect({ ids: items.map(({ id }) => id), names: names.sort() }).toEqual({
        ids: expected.map(({ id }) => id),
        names: files,
      });
      for (const [index, block] of expected.entries())
        for (const words of wordsOf(block)) expect(items[index]?.text).toContain(words);
      // And no word of an answer that had not been written by then.
      for (const words of ["The first line stands", "And now the second", "All is done."])
        if (!state.blocks.some((block) => block.type === "assistant_text" && block.content.includes(words)))
          expect(items.filter(({ text }) => text.includes(words) && !text.includes("<<<"))).toEqual([]);
      const { totalTokens } = state.sessionMetadata.usage;
      const header = await page.getByRole("region", { name: "Session", exact: true }).locator("> header").textContent();
      if (totalTokens > 0) expect(header).toContain(`${totalTokens} tokens`);
      else expect(header).not.toContain("tokens");
    },
    { timeout: 20_000, interval: 100 },
  );
}

function wordsOf(block: ConversationBlock): readonly string[] {
  switch (block.type) {
    case "assistant_text":
    case "user_message":
      return [block.content];
    case "tool_use":
      return [block.toolName];
    default:
      return [];
  }
}

test("at three random places the page shows what the log up to there reduces to", async () => {
  const last = log.at(-1)?.seq ?? 0;
  const places = Array.from({ length: 3 }, () => 1 + Math.floor(Math.random() * last));
  for (const seq of places) {
    const state = stateAt(seq);
    try {
      // By the link, as somebody was given it.
      await go(page, `/sessions/${sessionId}/files/${FILE}?seq=${seq}`);
      await bar().getByText(`seq ${seq} of `).waitFor();
      await expectShown(state);
      const content = state.workspaceFiles.find(({ path }) => path === FILE)?.content;
      if (content === undefined) await page.getByText(`There is no file ${FILE} at this place of the log.`).waitFor();
      else await expect.poll(() => fileContent().textContent()).toBe(content);
      await page.getByText(`This is the session as it was at event ${seq}.`).waitFor();
      await button(page, "Delete this file").waitFor({ state: "detached" });
    } catch (error) {
      throw new Error(`at seq ${seq} of ${last}`, { cause: error });
    }
  }
});

test("a link to the past is good in a new page, and names are not lost on the way to the panels", async () => {
  const place = log.findLast(({ type }) => type === "session:turn:started")?.seq ?? 0;
  await go(page, `/sessions/${sessionId}/files?seq=${place}`);
  await page.reload();
  await expectShown(stateAt(place));
  await page.getByRole("tab", { name: "Usage" }).click();
  await expect.poll(() => page.url()).toContain(`seq=${place}`);
  // One turn had ended.
  await expect.poll(() => page.getByRole("region", { name: "By turn" }).getByRole("row").count()).toBe(2);
  await page.getByRole("tab", { name: "Files" }).click();
  await expectShown(stateAt(place));
  // Too large for the state: the server has it as it was.
  await page.getByRole("treeitem", { name: /^big\.txt/ }).click();
  await expect.poll(() => fileContent().textContent()).toMatch(/0001\nthen\n$/);
});

test("the slider is moved by keys, by steps and from turn to turn; what happens meanwhile is there on the way back", async () => {
  const slider = bar().getByRole("slider", { name: "Place in the log" });
  await slider.press("Home");
  await bar().getByText("seq 1 of").waitFor();
  await expectShown(stateAt(1));
  await bar().getByRole("button", { name: "Start of the next turn" }).click();
  const [first, second] = log.filter(({ type }) => type === "session:turn:started").map(({ seq }) => seq);
  await bar().getByText(`seq ${first} of`).waitFor();
  await bar().getByRole("button", { name: "Start of the next turn" }).click();
  await bar().getByText(`seq ${second} of`).waitFor();
  await slider.press("ArrowLeft");
  const place = (second ?? 0) - 1;
  await bar().getByText(`seq ${place} of`).waitFor();
  await expectShown(stateAt(place));
  await expect.poll(() => page.url()).toContain(`seq=${place}`);

  await turn(`More. ${script([{ text: "This was said while you looked back." }])}`);
  // What the sandbox still tells of files comes when it comes.
  await vi.waitFor(async () => {
    log = await readLog();
    expect(await bar().textContent()).toContain(`seq ${place} of ${log.at(-1)?.seq}`);
  });
  await expectShown(stateAt(place));
  await button(bar(), "Back to now").click();
  await conversation(page).getByText("This was said while you looked back.", { exact: true }).waitFor();
  await expect.poll(() => page.url()).not.toContain("seq=");
  await expect.poll(() => fileContent().textContent()).toMatch(/0001\nnow\n$/);
  await expectShown(stateAt(Infinity));
  await messageField(page).waitFor();
});

test("what was asked, and what the session went back before, stand in the past as they were", async () => {
  const touch = { name: "Bash", input: { command: "touch asked.txt" } };
  await tested.send(sessionId, `May I? ${script([{ tools: [touch] }, { text: "Then it is touched." }])}`);
  const { lastSeq: asked } = await tested.server.until(sessionId, ({ asks }) => asks.length > 0);
  const allow = button(page.getByRole("region", { name: "Asks" }), "Allow once");
  await allow.click();
  await tested.server.until(sessionId, ({ turn }) => turn === null);
  await allow.waitFor({ state: "detached" });
  log = await readLog();
  await go(page, `/sessions/${sessionId}/files?seq=${asked}`);
  await expect.poll(() => allow.isDisabled()).toBe(true);
  await expectShown(stateAt(asked));

  const turnId = log.find((event) => event.type === "session:turn:completed")?.data.turnId;
  const back = await tested.server.request("POST", `/sessions/${sessionId}/rewind`, { turnId });
  expect(back.status).toBe(200);
  log = await readLog();
  const rewound = log.findLast(({ type }) => type === "session:rewound")?.seq ?? 0;
  for (const seq of [rewound - 1, rewound]) {
    await go(page, `/sessions/${sessionId}/files?seq=${seq}`);
    await expectShown(stateAt(seq));
  }
});
