import type { ConversationBlock } from "@hhopkins/agent-runtime-protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { conversationBlocks } from "./conversation-blocks.ts";
import {
  event,
  queued,
  resync,
  soon,
  start,
  stateOf,
  StoreUnderTest,
  turn,
  userBlock,
} from "./testing/store-under-test.ts";

let t: StoreUnderTest;

beforeEach(() => {
  t = new StoreUnderTest();
});
afterEach(() => t.leave());

let bodies: { content: string; messageId: string; mode?: string }[];
let answer: () => Promise<Response> | Response;
const accepted = (): Response => Response.json({ success: true }, { status: 202 });

beforeEach(() => {
  bodies = [];
  answer = accepted;
  t.server.route = ({ method, body }) => {
    if (method !== "POST") return undefined;
    bodies.push(JSON.parse(body) as (typeof bodies)[number]);
    return answer();
  };
});

test("a message shows at once, and the server's block with its id takes its place", async () => {
  const line = await t.live();
  const gate = Promise.withResolvers<Response>();
  answer = () => gate.promise;
  const sending = t.store.sendMessage("hi", { messageId: "m", mode: "steer" });
  expect(conversationBlocks(t.store.getSnapshot())).toMatchObject([
    { type: "user_message", id: "m", content: "hi", delivery: "sending", mode: "steer" },
  ]);
  gate.resolve(accepted());
  expect(await sending).toEqual({ messageId: "m" });
  expect(t.shown()).toEqual(["m queued"]);
  line.say(queued(4, "m"));
  line.say(turn(5, "m"));
  // Between queue and block it is in the turn alone.
  await soon(() => expect(t.store.getSnapshot().state?.lastSeq).toBe(5));
  expect(t.shown()).toEqual(["m queued"]);
  line.say(start(6, userBlock("m")));
  expect(t.shown()).toEqual(["m"]);
  expect(t.store.getSnapshot().pending).toEqual([]);
  expect(bodies).toEqual([{ content: "hi", messageId: "m", mode: "steer" }]);
});

test("the block may come before the answer", async () => {
  const line = await t.live();
  const gate = Promise.withResolvers<Response>();
  answer = () => gate.promise;
  const sending = t.store.sendMessage("hi", { messageId: "m" });
  line.say(start(4, userBlock("m")));
  gate.resolve(accepted());
  await sending;
  expect(t.shown()).toEqual(["m"]);
});

test("what failed says so, and can be sent again or dropped; nothing rejects", async () => {
  await t.live();
  answer = () => Response.json({ error: "unavailable", detail: "later" }, { status: 503 });
  const [one, two] = await Promise.all([t.store.sendMessage("one"), t.store.sendMessage("two")]);
  expect([one.error?.code, two.error?.code]).toEqual(["unavailable", "unavailable"]);
  expect(t.store.getSnapshot().pending).toMatchObject([
    { content: "one", delivery: "failed", error: { code: "unavailable" } },
    { content: "two", delivery: "failed" },
  ]);
  t.store.dropMessage(two.messageId);
  answer = accepted;
  expect(await t.store.retryMessage(one.messageId)).toEqual({ messageId: one.messageId });
  expect(t.store.getSnapshot().pending).toMatchObject([{ content: "one", delivery: "queued" }]);
  expect(t.store.getSnapshot().pending[0]).not.toHaveProperty("error");
  expect(bodies.map(({ messageId }) => messageId)).toEqual([one.messageId, two.messageId, one.messageId]);
  expect(await t.store.retryMessage("never sent")).toEqual({ messageId: "never sent" });
});

test("a message whose answer was lost is delivered once the log shows it", async () => {
  const line = await t.live();
  const gate = Promise.withResolvers<Response>();
  answer = () => gate.promise;
  const sending = t.store.sendMessage("hi", { messageId: "m" });
  line.say(queued(4, "m"));
  await soon(() => expect(t.shown()).toEqual(["m queued"]));
  gate.reject(new TypeError("cut"));
  expect(await sending).toEqual({ messageId: "m" });
  expect(t.shown()).toEqual(["m queued"]);
});

test("messages arrive in their order, an urgent one at once, and one that was dropped on its way not at all", async () => {
  const line = await t.live();
  const gates = [Promise.withResolvers<Response>(), Promise.withResolvers<Response>()];
  answer = () => gates[bodies.length - 1]?.promise ?? accepted();
  const [one, two, three] = ["one", "two", "three"].map((id) => t.store.sendMessage(id, { messageId: id }));
  await soon(() => expect(bodies).toHaveLength(1));
  const urgent = t.store.sendMessage("stop", { messageId: "urgent", mode: "interrupt" });
  await soon(() => expect(bodies.map(({ content }) => content)).toEqual(["one", "stop"]));
  t.store.dropMessage("two");
  // The log says sooner than the answer that it has arrived.
  line.say(queued(4, "urgent"));
  line.say(queued(5, "one"));
  expect(await Promise.all([two, three])).toEqual([
    { messageId: "two", error: expect.objectContaining({ code: "message_not_found" }) },
    { messageId: "three" },
  ]);
  expect(bodies.map(({ content }) => content)).toEqual(["one", "stop", "three"]);
  for (const gate of gates) gate.resolve(accepted());
  expect(await Promise.all([one, urgent])).toEqual([{ messageId: "one" }, { messageId: "urgent" }]);
});

test("the same message sent twice is one", async () => {
  await t.live();
  const gate = Promise.withResolvers<Response>();
  answer = () => gate.promise;
  const both = [t.store.sendMessage("hi", { messageId: "m" }), t.store.sendMessage("hi", { messageId: "m" })];
  gate.resolve(accepted());
  expect(await Promise.all(both)).toEqual([{ messageId: "m" }, { messageId: "m" }]);
  expect([t.shown(), bodies.length]).toEqual([["m queued"], 1]);
});

test("a message that the log has long since is not shown twice when it is sent again", async () => {
  await t.live({ blocks: [userBlock("m") as ConversationBlock] });
  await t.store.sendMessage("hi", { messageId: "m" });
  expect(t.shown()).toEqual(["m"]);
});

test("one that is edited or withdrawn in the queue follows the log", async () => {
  const line = await t.live();
  await t.store.sendMessage("hi", { messageId: "m" });
  line.say(queued(4, "m"));
  line.say(event(5, "session:message:updated", { messageId: "m", content: "ho" }));
  await soon(() => expect(t.store.getSnapshot().pending).toMatchObject([{ content: "ho", delivery: "queued" }]));
  line.say(event(6, "session:message:withdrawn", { messageId: "m" }));
  await soon(() => expect(t.shown()).toEqual([]));
});

test("one that came and left the state's window while the line was cut does not stay for ever", async () => {
  const line = await t.live();
  await t.store.sendMessage("hi", { messageId: "m" });
  t.server.answers = [stateOf({ lastSeq: 2000, logId: "log" })];
  line.say(resync(2000));
  const next = await t.socket(2);
  expect(t.shown()).toEqual(["m queued"]);
  next.open();
  next.acknowledge(2000);
  expect(t.shown()).toEqual([]);
});

test("one that is sent before the state is there is sent all the same", async () => {
  t.make();
  expect(await t.store.sendMessage("hi", { messageId: "m" })).toEqual({ messageId: "m" });
  expect([t.shown(), t.store.isIdle]).toEqual([["m queued"], false]);
});
