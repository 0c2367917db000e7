import { afterEach, beforeEach, expect, test } from "vitest";
import { conversationBlocks, olderCursor } from "./conversation-blocks.ts";
import { event, resync, soon, start, stateOf, StoreUnderTest, text } from "./testing/store-under-test.ts";

let t: StoreUnderTest;

beforeEach(() => {
  t = new StoreUnderTest();
});
afterEach(() => t.leave());

const asked: string[] = [];
let pages: Record<string, object>;

beforeEach(() => {
  asked.length = 0;
  pages = {
    b10: { blocks: [text("b8"), text("b9")], before: "b8" },
    b8: { blocks: [text("b7")] },
  };
  t.server.route = ({ url }) => {
    const query = /\/blocks\?(.*)/.exec(url)?.[1];
    if (query === undefined) return undefined;
    asked.push(query);
    const page = pages[new URLSearchParams(query).get("before") ?? ""];
    return page === undefined ? Response.json({ error: "internal" }, { status: 500 }) : Response.json(page);
  };
});

test("come by pages, each once, until there are none", async () => {
  await t.live({ blocks: [text("b10"), text("b11")], blocksBefore: "b10" });
  await Promise.all([t.store.loadOlder(), t.store.loadOlder()]);
  expect(t.shown()).toEqual(["b8", "b9", "b10", "b11"]);
  expect(olderCursor(t.store.getSnapshot())).toBe("b8");
  await t.store.loadOlder();
  expect(t.shown()).toEqual(["b7", "b8", "b9", "b10", "b11"]);
  expect(olderCursor(t.store.getSnapshot())).toBeUndefined();
  await t.store.loadOlder();
  expect(asked).toEqual(["conversation=main&before=b10&limit=100", "conversation=main&before=b8&limit=100"]);
  expect(conversationBlocks(t.store.getSnapshot())).toBe(conversationBlocks(t.store.getSnapshot()));
});

test("a page that fails says so, and can be asked for again", async () => {
  await t.live({ blocks: [text("b10")], blocksBefore: "b10" });
  const page = pages.b10;
  delete pages.b10;
  await t.store.loadOlder();
  expect(t.store.getSnapshot().older.main).toMatchObject({ isLoading: false, error: { code: "internal" } });
  pages.b10 = page as object;
  await t.store.loadOlder();
  expect(t.shown()).toEqual(["b8", "b9", "b10"]);
  expect(t.store.getSnapshot().older.main?.error).toBeUndefined();
});

test("what the window lets go of stays in view, and goes on to be changed by events", async () => {
  const blocks = Array.from({ length: 500 }, (_, n) => text(`b${n + 10}`));
  const line = await t.live({ blocks, blocksBefore: "b10" });
  await t.store.loadOlder();
  line.say(start(4, text("new1")));
  line.say(start(5, text("new2")));
  await soon(() => expect(t.store.getSnapshot().state?.lastSeq).toBe(5));
  expect(t.store.getSnapshot().state?.blocks[0]?.id).toBe("b12");
  expect(t.shown()).toEqual(["b8", "b9", ...blocks.map(({ id }) => id), "new1", "new2"]);
  line.say(event(6, "session:block:update", { conversationId: "main", blockId: "b9", updates: { content: "nine" } }));
  line.say(
    event(7, "session:block:complete", {
      conversationId: "main",
      blockId: "b8",
      block: { ...text("b8"), retracted: true },
    }),
  );
  await soon(() => expect(t.store.getSnapshot().state?.lastSeq).toBe(7));
  expect(conversationBlocks(t.store.getSnapshot()).slice(0, 2)).toMatchObject([
    { id: "b9", content: "nine" },
    { id: "b10" },
  ]);
});

test("pages that do not lead up to the state any more are dropped", async () => {
  const line = await t.live({ blocks: [text("b10")], blocksBefore: "b10" });
  await t.store.loadOlder();
  t.server.answers = [stateOf({ lastSeq: 900, blocks: [text("b800")], blocksBefore: "b800" })];
  line.say(resync(900));
  await soon(() => expect(t.shown()).toEqual(["b800"]));
  expect(olderCursor(t.store.getSnapshot())).toBe("b800");
});

test("a subagent's come from its own conversation", async () => {
  const blocks = [text("b10")];
  await t.live({ subagents: [{ id: "a", name: "a", status: "running", blocks, blocksBefore: "b10" }] });
  await t.store.loadOlder("a");
  expect(asked).toEqual(["conversation=a&before=b10&limit=100"]);
  expect(conversationBlocks(t.store.getSnapshot(), "a").map(({ id }) => id)).toEqual(["b8", "b9", "b10"]);
  expect(t.shown()).toEqual([]);
});
