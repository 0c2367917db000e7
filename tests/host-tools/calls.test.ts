import { tool, type HostToolContext, type SessionState } from "@hhopkins/agent-runtime";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { profileBench, systemBlocks, type ProfileBench } from "../profiles/bench.ts";
import { recordFields } from "../profiles/field-results.ts";
import { harnessOf, sandboxPid } from "../testing/processes.ts";
import { prompt } from "../testing/prompts.ts";
import { errors } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";

recordFields("host-tools");

/** A tool as the model is told of it. */
interface Offered {
  readonly name: string;
  readonly description: string;
  readonly input_schema: object;
}

interface Ran {
  readonly name: string;
  readonly input: unknown;
  readonly context: HostToolContext;
}

/** For a busy machine. */
const PATIENT = { timeout: 60_000 };

const ran: Ran[] = [];
let bench: ProfileBench;

const noted = (name: string) => (input: unknown, context: HostToolContext) => void ran.push({ name, input, context });
const input = z.object({});

const tools = {
  lookupOrder: tool({
    description: "Looks an order up in the shop.",
    input: z.object({
      orderId: z
        .string()
        .regex(/^o-\d+$/)
        .describe("As it stands on the invoice"),
      full: z.boolean().default(false),
    }),
    run(order, context) {
      noted("lookupOrder")(order, context);
      return { order: order.orderId, full: order.full, for: context.metadata };
    },
  }),
  steps: tool({
    description: "Says how far it is.",
    input,
    async run(_input, context) {
      for (let step = 0; step <= 50; step++) context.progress(`step ${step} of 50`);
      return "all steps";
    },
  }),
  wait: tool({
    description: "Waits.",
    input,
    run(value, context) {
      noted("wait")(value, context);
      return new Promise(() => undefined);
    },
  }),
  never: tool({ description: "Never returns.", input, timeoutMs: 300, run: () => new Promise(() => undefined) }),
  throws: tool({
    description: "Throws.",
    input,
    run() {
      throw new Error("the shop is closed");
    },
  }),
  large: tool({ description: "Answers too much.", input, run: () => "x".repeat(300_000) }),
  noJson: tool({ description: "Answers what is no JSON.", input, run: () => ({ big: 1n }) }),
  nothing: tool({ description: "Answers nothing.", input, run: () => undefined }),
  hidden: tool({ description: "Not for this profile.", input, run: noted("hidden") }),
};

const call = (name: string, value: object = {}) => ({ tools: [{ name: `mcp__host__${name}`, input: { ...value } }] });
const done = { text: "done" };

beforeAll(async () => {
  const hostTools = Object.keys(tools).filter((name) => name !== "hidden");
  bench = await profileBench(
    {
      tools: ["Bash"],
      hostTools: [...hostTools, "notThere"],
      subagents: [{ name: "helper", description: "Helps.", prompt: "You help." }],
    },
    { tools, session: { metadata: { customer: "c-7" } } },
  );
});
afterAll(() => bench?.[Symbol.asyncDispose]());
beforeEach(() => void ran.splice(0));

function toolBlock(state: SessionState, name: string) {
  return state.blocks.findLast((block) => block.type === "tool_use" && block.toolName === `mcp__host__${name}`);
}

test("hostTools: a tool of the application is offered with its schema, runs here with the session's identity, and its answer is the agent's", async () => {
  const { state, requests, results } = await bench.play("look", call("lookupOrder", { orderId: "o-1" }), done);
  const { tools: offered = [] } = (requests[0]?.body ?? {}) as { tools?: Offered[] };
  const names = offered.map(({ name }) => name).filter((name) => name.startsWith("mcp__"));
  expect(names.toSorted()).toEqual(
    Object.keys(tools)
      .filter((name) => name !== "hidden")
      .map((name) => `mcp__host__${name}`)
      .toSorted(),
  );
  const lookup = offered.find(({ name }) => name === "mcp__host__lookupOrder");
  expect(lookup?.description).toBe("Looks an order up in the shop.");
  expect(lookup?.input_schema).toMatchObject({
    type: "object",
    properties: { orderId: { type: "string", description: "As it stands on the invoice" } },
    required: ["orderId"],
  });
  expect(ran).toHaveLength(1);
  const block = toolBlock(state, "lookupOrder");
  expect(ran[0]).toMatchObject({
    input: { orderId: "o-1", full: false },
    context: {
      sessionId: bench.sessionId,
      tenant: "default",
      agentProfileReference: "p",
      metadata: { customer: "c-7" },
      conversationId: "main",
      toolUseId: block?.type === "tool_use" ? block.toolUseId : "",
    },
  });
  expect(results).toEqual(['{"order":"o-1","full":false,"for":{"customer":"c-7"}}']);
  expect(block).toMatchObject({ status: "success" });
  expect(state.hostToolCalls).toBeUndefined();
  expect(systemBlocks(state, "host_tool_missing")).toEqual([expect.stringContaining("notThere")]);
  const events = (await logOf(bench.server, bench.sessionId)).filter(({ type }) =>
    type.startsWith("session:host-tool:"),
  );
  expect(events.map(({ type, data }) => [type, data])).toMatchObject([
    ["session:host-tool:called", { call: { toolName: "lookupOrder", input: { orderId: "o-1" } } }],
    ["session:host-tool:completed", { status: "success", content: results[0], durationMs: expect.any(Number) }],
  ]);
});

test("hostTools: what a tool does wrong, and what is wrong with a call, is told to the agent and stands in the block; the session goes on", async () => {
  const { results, state } = await bench.play(
    "wrong",
    call("lookupOrder", { orderId: 7 }),
    call("throws"),
    call("never"),
    call("large"),
    call("noJson"),
    call("nothing"),
    done,
  );
  expect(results).toMatchObject([
    expect.stringContaining("The input of lookupOrder is not valid. orderId: "),
    expect.stringContaining("The tool throws failed: the shop is closed"),
    expect.stringContaining("The tool never did not answer within 0.3 s. What it has done by then is not known"),
    expect.stringContaining("its answer is too large: 300000 bytes, of at most 262144"),
    expect.stringContaining("something that cannot be told as JSON"),
    expect.anything(),
  ]);
  expect(["throws", "never", "large", "noJson", "nothing"].map((name) => toolBlock(state, name))).toMatchObject([
    { status: "error" },
    { status: "error" },
    { status: "error" },
    { status: "error" },
    { status: "success" },
  ]);
  expect(ran).toEqual([]);
  expect(bench.server.logs.filter(({ message }) => message === "a host tool failed")).toMatchObject([
    { level: "warn", detail: { toolName: "throws" } },
  ]);
  const { state: after } = await bench.play("again", { text: "alive" });
  expect(after.blocks.at(-1)).toMatchObject({ content: "alive" });
});

test("hostTools: progress shows on the call's block while it runs, bounded, and the last of it stays", async () => {
  const { state, results } = await bench.play("steps", call("steps"), done);
  expect(results).toEqual(["all steps"]);
  expect(toolBlock(state, "steps")).toMatchObject({ status: "success", progress: "step 50 of 50" });
  const said = (await logOf(bench.server, bench.sessionId)).flatMap(({ type, data }) =>
    type === "session:block:update" && "progress" in data.updates ? [data.updates.progress] : [],
  );
  expect(said).toEqual(["step 0 of 50", "step 50 of 50"]);
});

test("hostTools: an interrupt cancels the call: its signal fires, nothing waits for it, and the next turn goes on", async () => {
  const { server, sessionId } = bench;
  const seen = server.until(sessionId, ({ hostToolCalls = [] }) => hostToolCalls.length === 1);
  const over = bench.play("wait", call("wait"), done);
  expect((await seen).hostToolCalls).toMatchObject([{ toolName: "wait", conversationId: "main" }]);
  await expect.poll(() => ran.length, PATIENT).toBe(1);
  expect(ran[0]?.context.signal.aborted).toBe(false);
  await server.request("POST", `/sessions/${sessionId}/interrupt`);
  const { state } = await over;
  expect(ran[0]?.context.signal.aborted).toBe(true);
  expect(state.hostToolCalls).toBeUndefined();
  expect(toolBlock(state, "wait")).toMatchObject({ status: "error" });
  const ends = (await logOf(server, sessionId)).filter(({ type }) => type === "session:host-tool:completed");
  expect(ends.at(-1)?.data).toMatchObject({ status: "cancelled" });
  const { results } = await bench.play("next", call("lookupOrder", { orderId: "o-2" }), done);
  expect(results).toEqual([expect.stringContaining("o-2")]);
});

test("hostTools: a subagent's call is its own: the tool knows the conversation, and the block stands there", async () => {
  const inner = prompt("sub", call("lookupOrder", { orderId: "o-3" }), { text: "found" });
  const agent = { name: "Agent", input: { description: "d", prompt: inner, subagent_type: "helper" } };
  const { state } = await bench.play("delegate", { tools: [agent] }, done);
  const subagent = state.subagents.at(-1);
  expect(ran.map(({ context }) => context.conversationId)).toEqual([subagent?.id]);
  expect(subagent?.blocks.filter(({ type }) => type === "tool_use")).toMatchObject([
    { toolName: "mcp__host__lookupOrder", toolUseId: ran[0]?.context.toolUseId, status: "success" },
  ]);
});

test("hostTools: a harness that dies in the middle of a call cancels it, and the turn fails; the next turn calls again", async () => {
  const { server, sessionId } = bench;
  const over = bench.play("wait", call("wait"), done);
  await expect.poll(() => ran.length, PATIENT).toBe(1);
  const sandbox = await sandboxPid(server.dataDir, `${sessionId}-1`);
  process.kill(harnessOf(sandbox).pid, "SIGKILL");
  const { state } = await over;
  expect(errors(state).at(-1)).toBe("harness_failed");
  expect([ran[0]?.context.signal.aborted, state.hostToolCalls]).toEqual([true, undefined]);
  const { results } = await bench.play("next", call("lookupOrder", { orderId: "o-4" }), done);
  expect(results).toEqual([expect.stringContaining("o-4")]);
  expect(ran).toHaveLength(2);
});
