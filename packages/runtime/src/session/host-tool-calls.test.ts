import {
  initialState,
  reduce,
  type AgentProfile,
  type CommandBody,
  type EventDraft,
  type SessionEvent,
} from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { z } from "zod";
import { createHostToolbox, tool, type HostTool, type HostToolContext } from "../host-tools/index.ts";
import { addEntry, newEntryWrite } from "./entry-translation.ts";
import { HostToolCalls } from "./host-tool-calls.ts";
import { Mailbox } from "./mailbox.ts";

const AT = "2026-01-02T03:04:05.678Z";
const key = { tenant: "acme", sessionId: "s1" };
const turn: EventDraft = { type: "session:turn:started", data: { sessionId: "s1", turnId: "t1", messageIds: [] } };
const call = (callId: string, toolName = "pay", more: object = {}) => ({
  kind: "host-tool:called" as const,
  call: { callId, toolName, conversationId: "main", input: {}, ...more },
});

interface Scene {
  readonly tools?: Record<string, HostTool>;
  readonly profile?: Partial<AgentProfile>;
  /** The log of an earlier server. */
  readonly before?: readonly SessionEvent[];
}

/** A session whose log is a list, with a runner that takes commands. */
function scene({ tools = {}, profile = {}, before = [] }: Scene = {}) {
  const log: SessionEvent[] = [];
  const commands: CommandBody[] = [];
  let state = initialState("s1", "log");
  const push = (event: SessionEvent): void => {
    log.push(event);
    state = reduce(state, event);
  };
  before.forEach(push);
  const append = async ({ events }: { events: readonly EventDraft[] }): Promise<void> => {
    for (const draft of events) push({ seq: log.length + 1, at: AT, ...draft });
    calls.follow();
  };
  const mailbox = new Mailbox();
  const writer = { run: <T>(task: () => Promise<T>) => mailbox.run(task), append, save: append };
  const link = { command: async (_id: string, body: CommandBody) => void commands.push(body) };
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const parts = {
    hostTools: createHostToolbox(tools),
    profiles: { loadAgentProfile: async () => ({ id: "p", name: "P", ...profile }), listAgentProfiles: async () => [] },
    store: { events: async (_key: object, { after }: { after: number }) => log.slice(after, after + 1) },
    now: () => new Date(AT),
    log: quiet,
  };
  const session = { key, writer, supervisor: { link }, state: () => state };
  const calls = new HostToolCalls(parts as never, session as never);
  /** What a runner says, as the session takes it; answers the refusals. */
  async function say(...bodies: Parameters<typeof addEntry>[1][]): Promise<(string | null)[]> {
    const write = newEntryWrite("s1", state, { at: new Date(AT), askRules: {} });
    const refusals = bodies.map((body) => addEntry(write, body));
    await writer.run(() => append({ events: write.events }));
    return refusals;
  }
  const completed = () => log.flatMap(({ type, data }) => (type === "session:host-tool:completed" ? [data] : []));
  const results = () => commands.flatMap((body) => (body.kind === "host-tool:result" ? [body] : []));
  return { log, append, say, calls, completed, results, state: () => state };
}

const contexts: HostToolContext[] = [];
const noting = (more: object = {}): HostTool =>
  tool({
    description: "d",
    input: z.object({}),
    run(_input, context) {
      contexts.push(context);
      return "paid";
    },
    ...more,
  });

test("a call runs once it is in the log, and its result is in the log before its runner has it", async () => {
  const { append, say, completed, results, state } = scene({ tools: { pay: noting() } });
  await append({ events: [turn] });
  expect(await say(call("c1"))).toEqual([null]);
  await expect
    .poll(results)
    .toEqual([{ kind: "host-tool:result", callId: "c1", result: { status: "success", content: "paid" } }]);
  expect(completed()).toMatchObject([{ callId: "c1", status: "success", content: "paid" }]);
  expect(contexts).toMatchObject([{ tenant: "acme", sessionId: "s1", callId: "c1" }]);
  expect(state().hostToolCalls).toMatchObject([{ callId: "c1", calledSeq: 2, completedSeq: 3 }]);
  const end = { sessionId: "s1", turnId: "t1", messageIds: [], status: "completed" as const };
  const usage = {
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    thinkingTokens: 0,
    totalTokens: 0,
  };
  await append({ events: [{ type: "session:turn:completed", data: { ...end, usage, costUSD: 0 } }] });
  expect("hostToolCalls" in state()).toBe(false);
});

test("a runner that is not honest makes no call that an agent could not make", async () => {
  contexts.splice(0);
  const { append, say, results, state } = scene({
    tools: { pay: noting(), hidden: noting() },
    profile: { hostTools: ["pay"] },
  });
  expect(await say(call("early"))).toEqual(["no turn runs that could make call early"]);
  await append({ events: [turn] });
  const many = Array.from({ length: 20 }, (_, n) => call(`n${n}`));
  const large = call("large", "pay", { input: { text: "x".repeat(300_000) } });
  const refusals = await say(call("c1", "hidden"), call("c2", "unknown"), call("c1"), large, ...many);
  expect(refusals.slice(0, 4)).toEqual([null, null, "call c1 exists", "the input of call large is too large"]);
  expect(refusals.slice(4).filter((refusal) => refusal === null)).toHaveLength(14);
  await expect.poll(() => results().length).toBe(16);
  expect(await say(call("n1"))).toEqual(["call n1 exists"]);
  const told = new Map(results().map(({ callId, result }) => [callId, result]));
  for (const callId of ["c1", "c2"]) expect(told.get(callId)).toMatchObject({ status: "error" });
  expect(contexts).toHaveLength(14);
  expect(await say(call("far", "pay", { conversationId: "of-nobody" }))).toEqual([null]);
  expect(state().hostToolCalls?.at(-1)).toMatchObject({ callId: "far", conversationId: "main" });
});

test("calls that come too fast are told to wait", async () => {
  const { append, say, results } = scene({ tools: { pay: noting() } });
  for (let round = 0; round < 11; round++) {
    await append({ events: [turn] });
    await say(...Array.from({ length: 10 }, (_, n) => call(`r${round}.${n}`)));
    await expect.poll(() => results().length).toBe((round + 1) * 10);
    const taken = Array.from({ length: 10 }, (_, n) => `r${round}.${n}`);
    const cancelled = taken.map((callId) => ({ sessionId: "s1", callId, status: "cancelled" as const, content: "" }));
    await append({ events: cancelled.map((data) => ({ type: "session:host-tool:completed", data })) });
  }
  const refused = results().filter(({ result }) => result.status === "error");
  expect(refused).toHaveLength(10);
  expect(refused[0]?.result.content).toContain("too fast");
});

test("one that is cancelled hears of it, and its result is nobody's", async () => {
  let signal: AbortSignal | undefined;
  const slow = noting({
    run: (_input: unknown, context: HostToolContext) => {
      ({ signal } = context);
      return new Promise((resolve) => context.signal.addEventListener("abort", () => resolve("late")));
    },
  });
  const { append, say, completed, results } = scene({ tools: { pay: slow } });
  await append({ events: [turn] });
  await say(call("c1"));
  await expect.poll(() => signal).toBeDefined();
  await say({ kind: "host-tool:cancelled", callId: "c1" }, { kind: "host-tool:cancelled", callId: "c1" });
  expect(signal?.aborted).toBe(true);
  expect([completed(), results()]).toMatchObject([[{ callId: "c1", status: "cancelled" }], []]);
});

test("what an earlier server began and did not finish runs again only where it is idempotent; what it had kept is told", async () => {
  contexts.splice(0);
  const first = scene({ tools: {} });
  await first.append({ events: [turn] });
  first.calls.close();
  await first.say(call("c1"), call("c2", "read"), call("c3", "gone"), call("c4"));
  const done = { sessionId: "s1", callId: "c4", status: "success" as const, content: "kept" };
  await first.append({ events: [{ type: "session:host-tool:completed", data: done }] });
  const second = scene({ tools: { pay: noting(), read: noting({ idempotent: true }) }, before: first.log });
  second.calls.follow();
  await expect.poll(() => second.results().length).toBe(4);
  second.calls.follow();
  const told = Object.fromEntries(second.results().map(({ callId, result }) => [callId, result]));
  expect(told).toMatchObject({
    c1: { status: "unknown", content: expect.stringContaining("the outcome of this call is unknown") },
    c2: { status: "success", content: "paid" },
    c3: { status: "unknown" },
    c4: { status: "success", content: "kept" },
  });
  expect(contexts.map(({ callId }) => callId)).toEqual(["c2"]);
  expect(second.results()).toHaveLength(4);
});
