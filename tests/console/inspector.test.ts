import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";
import { script } from "@hhopkins/agent-runtime-testkit";
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { seriousFaultsInBothThemes } from "./testing/axe.ts";
import { startConsoleUnderTest, type ConsolePage, type ConsoleUnderTest } from "./testing/console-under-test.ts";
import { button, conversation, go } from "./testing/session-parts.ts";

const PROFILE = { id: "files", name: "Files", tools: ["Read", "Write", "Edit", "Bash"] };
const HOSTILE = 'a"b<i>\u202Etxt\n.md';
const PAGE_TEXT = '<img src="http://127.0.0.1:9/x" onerror="window.hacked=1"><script>window.hacked=1</script>';

let tested: ConsoleUnderTest;
let sessionId: string;
let tab: ConsolePage;
let page: Page;

beforeAll(async () => {
  tested = await startConsoleUnderTest({ profiles: [PROFILE] });
  sessionId = await tested.createSession({
    agentProfileRef: "files",
    defaultWorkspaceFiles: [
      { path: "src/app.ts", content: 'const name = "world";\nconsole.log(name);\n' },
      { path: "old.txt", content: "to be removed\n" },
      { path: "same.txt", content: "as it was\n" },
    ],
  });
  tab = await tested.open({ path: `/sessions/${sessionId}/files`, acceptDownloads: true });
  ({ page } = tab);
});
afterAll(() => tested[Symbol.asyncDispose]());

const inspector = () => page.getByRole("complementary", { name: "Inspector" });
const item = (name: string | RegExp) => inspector().getByRole("treeitem", { name, exact: true });
const content = () => inspector().getByRole("region", { name: "Content of the file" });
const events = () => inspector().getByRole("listbox", { name: "Events" });
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
/** Opens a panel, and waits until it is the one that is shown. */
async function panel(name: string): Promise<void> {
  await inspector().getByRole("tab", { name }).click();
  await inspector().getByRole("tabpanel", { name }).waitFor();
  await expect.poll(() => inspector().getByText("Loading…").count()).toBe(0);
}
const settled = () => tested.server.until(sessionId, ({ turn, queue }) => turn === null && queue.length === 0);

async function turn(text: string): Promise<void> {
  await tested.send(sessionId, text);
  await settled();
}

test("files appear as the agent writes them; what changed since the start is marked, and shown line by line", async () => {
  await item("src").waitFor();
  await tested.send(
    sessionId,
    `Work. ${script([
      {
        tools: [
          {
            name: "Edit",
            input: { file_path: "/workspace/src/app.ts", old_string: '"world"', new_string: '"everyone"' },
          },
          { name: "Write", input: { file_path: `/workspace/${HOSTILE}`, content: PAGE_TEXT } },
          {
            name: "Bash",
            input: {
              command:
                "rm old.txt; printf '\\0\\1\\2' > raw.bin; mkdir -p deep/er; echo x > deep/er/x; seq 8000 > long.txt",
            },
          },
        ],
      },
      { text: "done" },
    ])}`,
  );
  await item("raw.bin added").waitFor();
  await item("deep").click();
  await item("er").click();
  await item("x added").waitFor();
  // By the keyboard: back to the folder, close it, and on to the one below.
  const tree = inspector().getByRole("tree", { name: "Files" });
  await item("x added").click();
  await tree.press("ArrowLeft");
  await tree.press("ArrowLeft");
  await item("x added").waitFor({ state: "detached" });
  await item("src").click();
  await item("app.ts modified").click();
  await expect.poll(() => page.url()).toContain(`/files/${encodeURIComponent("src/app.ts")}`);
  await expect.poll(() => content().textContent()).toBe('const name = "everyone";\nconsole.log(name);\n');
  // In colours, by a part of the page that comes when it is needed.
  await content().locator(".hljs-string").waitFor();
  await button(inspector(), "Changes").click();
  const rows = inspector().getByRole("table", { name: "Difference from the start" }).getByRole("row");
  await expect
    .poll(() => rows.allTextContents())
    .toEqual(['1-removedconst name = "world";', '1+addedconst name = "everyone";', "2 console.log(name);"]);
  await inspector()
    .getByRole("button", { name: /^Changed/ })
    .click();
  await item("old.txt deleted").click();
  await expect.poll(() => rows.allTextContents()).toEqual(["1-removedto be removed"]);
  await item("same.txt").waitFor({ state: "detached" });
  await inspector()
    .getByRole("button", { name: /^Changed/ })
    .click();
  await settled();
});

test("names with anything in them are shown as they are, and kept by a safe one; what is in a file is inert", async () => {
  await item('a"b<i>⟨202E⟩txt⟨A⟩.md added').click();
  await expect.poll(() => content().textContent()).toBe(PAGE_TEXT);
  expect(await page.evaluate("window.hacked")).toBeUndefined();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    inspector().getByRole("button", { name: "Download this file" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("a_b_i__txt_.md");
  expect(await readFile(await download.path(), "utf8")).toBe(PAGE_TEXT);
  // The link of a file with such a name leads to it.
  await page.reload();
  await expect.poll(() => content().textContent()).toBe(PAGE_TEXT);
});

test("bytes are downloaded as they are, and all files as a zip", async () => {
  await item("raw.bin added").click();
  await inspector().getByText("No text: 3 B of bytes").waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    inspector().getByRole("button", { name: "Download this file" }).click(),
  ]);
  expect([...(await readFile(await download.path()))]).toEqual([0, 1, 2]);
  // A long text comes part by part.
  await item("long.txt added").click();
  await expect.poll(() => content().textContent()).toMatch(/^1\n2\n/);
  expect(await content().textContent()).not.toContain("8000");
  await button(inspector(), "Show more").click();
  await expect.poll(() => content().textContent()).toContain("\n8000\n");
  const [zip] = await Promise.all([
    page.waitForEvent("download"),
    inspector()
      .getByRole("button", { name: /^Download all/ })
      .click(),
  ]);
  const [saved, served] = await Promise.all([
    readFile(await zip.path()),
    tested.server.request("GET", `/sessions/${sessionId}/archive`).then((response) => response.arrayBuffer()),
  ]);
  expect(saved.subarray(0, 2).toString()).toBe("PK");
  expect(saved.length).toBe(served.byteLength);
  // No token is in an address.
  expect(tab.requests.filter((address) => /[?&](token|key)=|bearer/i.test(address))).toEqual([]);
});

test("what is uploaded the agent reads; what is there is replaced only when that is said; and it can be deleted", async () => {
  const upload = async (content: string): Promise<void> => {
    await inspector()
      .locator("input[type=file]")
      .setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from(content) });
  };
  await item("raw.bin added").click();
  await upload("from the console\n");
  await item("notes.txt added").click();
  await turn(
    `Read. ${script([{ tools: [{ name: "Read", input: { file_path: "/workspace/notes.txt" } }] }, { text: "read" }])}`,
  );
  const { blocks } = await tested.server.state(sessionId);
  expect(blocks.findLast((block) => block.type === "tool_result")).toMatchObject({
    content: expect.stringContaining("from the console") as string,
  });
  // Dropped where the files are.
  await inspector().evaluate((element, text) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([text], "notes.txt"));
    const target = element.querySelector("[role=tree]");
    for (const type of ["dragover", "drop"])
      target?.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  }, "once more\n");
  await page.getByRole("alertdialog", { name: "Replace files?" }).getByRole("button", { name: "Replace" }).click();
  await expect.poll(() => content().textContent()).toBe("once more\n");
  await inspector().getByRole("button", { name: "Delete this file" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await item(/^notes/).waitFor({ state: "detached" });
  await settled();
});

test("the tape has the whole log: filtered, looked into, and copied as it is", async () => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const copies = async (button: RegExp | string, expected: readonly unknown[]): Promise<void> => {
    await inspector().getByRole("button", { name: button }).click();
    const lines = expected.map((event) => JSON.stringify(event)).join("\n");
    await expect.poll(async () => parsed(await clipboard())).toEqual(parsed(lines));
  };
  await panel("Events");
  let log: SessionEvent[] = [];
  // What the sandbox still tells of files comes when it comes.
  await vi.waitFor(async () => {
    log = await readLog();
    expect(await inspector().getByText(`${log.length} events`, { exact: true }).count()).toBe(1);
  });
  await copies(/^Copy all/, log);

  const type = inspector().getByLabel("Type of events");
  await type.selectOption("session:file:created");
  const created = log.filter((event) => event.type === "session:file:created");
  const isCreated = inspector().getByText(new RegExp(`^${created.length} of \\d+ events$`));
  await isCreated.waitFor();
  await inspector().getByLabel("Find in events").fill("RAW.BIN");
  await inspector()
    .getByText(/^1 of \d+ events$/)
    .waitFor();
  await events()
    .getByRole("option", { name: /file:created raw\.bin/ })
    .click();
  expect(await events().getByRole("option").count()).toBe(1);
  const json = inspector().getByLabel("Event as JSON", { exact: true });
  const raw = created.find(({ data }) => JSON.stringify(data).includes("raw.bin"));
  await expect.poll(async () => JSON.parse((await json.textContent()) ?? "") as unknown).toEqual(raw);
  await copies("Copy this event as JSON", [raw]);

  // A range, by the keyboard.
  await inspector().getByLabel("Find in events").fill("");
  await isCreated.waitFor();
  await events().press("Home");
  await events().press("Shift+ArrowDown");
  await events().press("Shift+ArrowDown");
  await copies("Copy the 3 chosen as NDJSON", created.slice(0, 3));
});

test("a paused tape stands still, and what came meanwhile is there when it goes on", async () => {
  await inspector().getByLabel("Type of events").selectOption("session:turn:completed");
  const before = (await readLog()).filter(({ type }) => type === "session:turn:completed").length;
  await expect.poll(() => events().getByRole("option").count()).toBe(before);
  await button(inspector(), "Pause").click();
  await turn(`Say. ${script([{ text: "something new" }])}`);
  await conversation(page).getByText("something new", { exact: true }).waitFor();
  // The page has heard of the turn's end.
  await button(page, "Send").waitFor();
  expect(await events().getByRole("option").count()).toBe(before);
  await button(inspector(), "Go on").click();
  await expect.poll(() => events().getByRole("option").count()).toBe(before + 1);
});

test("usage is by turn and over time, as the log has it", async () => {
  await panel("Usage");
  const turns = (await readLog()).filter((event) => event.type === "session:turn:completed");
  const rows = inspector().getByRole("region", { name: "By turn" }).getByRole("row");
  await expect.poll(() => rows.count()).toBe(turns.length + 1);
  await expect.poll(() => rows.nth(1).textContent()).toContain(`seq ${turns[0]?.seq}`);
  const chart = inspector().getByRole("region", { name: "Over time" }).getByRole("img");
  await expect.poll(() => chart.getAttribute("aria-label")).toMatch(/^From .+ to .+/);
  await inspector().getByRole("button", { name: "Tokens" }).click();
  const { sessionMetadata } = await tested.server.state(sessionId);
  await expect
    .poll(() => inspector().getByRole("region", { name: "In all" }).textContent())
    .toContain(`Input${short(sessionMetadata.usage.inputTokens)}`);
});

test("the sandbox is shown with those before it; put to sleep it ends, and the next message starts another", async () => {
  await panel("Sandbox");
  const state = inspector().getByRole("region", { name: "State" });
  await state.getByText("ready", { exact: true }).waitFor();
  await inspector().getByRole("region", { name: "Network" }).getByText("the model").waitFor();
  await state.getByRole("button", { name: "Save files now" }).click();
  await page.getByRole("region", { name: "Notices" }).getByText("The workspace is saved.").waitFor();
  await state.getByRole("button", { name: "Put to sleep" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Put to sleep" }).click();
  await state.getByText("terminated", { exact: true }).waitFor();
  await turn(`Wake. ${script([{ text: "awake" }])}`);
  await state.getByText("ready", { exact: true }).waitFor();
  await expect
    .poll(() => inspector().getByRole("region", { name: "Sandboxes so far" }).getByRole("listitem").count())
    .toBe(2);
});

test("axe finds nothing serious in any panel, in either theme", async () => {
  const look = async (name: string): Promise<void> => {
    await panel(name);
    expect({ name, faults: await seriousFaultsInBothThemes(page) }).toEqual({ name, faults: [] });
  };
  for (const name of ["Files", "Events", "Usage", "Sandbox", "Subagents"]) await look(name);
  await go(page, `/sessions/${sessionId}/files/same.txt?seq=30`);
  await page.getByRole("region", { name: "Time travel" }).getByText("You look at the past:").waitFor();
  await expect.poll(() => content().textContent()).toBe("as it was\n");
  expect(await seriousFaultsInBothThemes(page)).toEqual([]);
  await button(page, "Back to now").click();
});

test("thousands of files and events are only in the page where they are in view; links are no files", async () => {
  await turn(
    `Many. ${script([
      {
        tools: [
          {
            name: "Bash",
            input: { command: "mkdir many; cd many; seq -f 'f%04g' 3000 | xargs touch; ln -s f0001 link" },
          },
        ],
      },
      { text: "there they are" },
    ])}`,
  );
  await panel("Files");
  const find = inspector().getByLabel("Find files");
  // The last of them is there.
  await find.fill("link");
  await item(/^link/).waitFor();
  await find.fill("");
  await item("many").click();
  await item("f0001 added").waitFor();
  expect(await inspector().getByRole("treeitem").count()).toBeLessThan(120);
  const tree = inspector().getByRole("tree", { name: "Files" });
  await tree.press("l");
  await tree.press("Enter");
  await inspector().getByText("A link to f0001", { exact: true }).waitFor();
  await find.fill("F2999");
  await expect.poll(() => inspector().getByRole("treeitem").count()).toBe(2);
  await item("f2999 added").click();
  await inspector().getByText("The file is empty.").waitFor();
  await find.fill("");

  await panel("Events");
  // What the page has read, compaction does not take away: it may have more events than the log has by now.
  await vi.waitFor(async () => {
    const { lastSeq } = await tested.server.state(sessionId);
    expect(lastSeq).toBeGreaterThan(3000);
    expect(
      await events()
        .getByRole("option", { name: new RegExp(`^${lastSeq} `) })
        .count(),
    ).toBe(1);
  });
  await events().press("Home");
  await events()
    .getByRole("option", { name: /^1 .* created/ })
    .waitFor();
  expect(await events().getByRole("option").count()).toBeLessThan(150);
});

/** Lines of JSON as values that can be compared. */
function parsed(lines: string): unknown[] {
  return lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

async function readLog(): Promise<SessionEvent[]> {
  const { logId } = await tested.server.state(sessionId);
  const response = await tested.server.request(
    "GET",
    `/sessions/${sessionId}/events?after=0&logId=${logId}&follow=false`,
  );
  const text = await response.text();
  return text
    .split("\n\n")
    .map((message) => /^event: (.+)$[^]*^data: (.+)$/m.exec(message))
    .filter((found) => found !== null)
    .map(([, type = "", data = ""]) => {
      const { seq, from, at, ...rest } = JSON.parse(data) as Record<string, unknown>;
      return { type, seq, ...(from === undefined ? {} : { from }), at, data: rest } as unknown as SessionEvent;
    });
}

function short(count: number): string {
  return count < 1000 ? String(count) : `${(count / 1000).toFixed(1).replace(/\.0$/, "")}k`;
}
