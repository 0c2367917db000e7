import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentProfile, AskAnswer, EntryBody, OpenedAsk } from "@hhopkins/agent-runtime-protocol";
import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TurnEnd } from "../../architecture.ts";
import { checkBlocks, outline } from "../testing/block-rules.ts";
import { drive, type DrivenHarness } from "../testing/driven-harness.ts";

const PROFILE: Partial<AgentProfile> = {
  permissions: { ask: ["Bash(touch *)", "Write"], deny: ["Bash(rm *)"] },
};

let one: DrivenHarness;
beforeAll(async () => {
  one = await drive({ profile: PROFILE });
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
});

const bash = (command: string) => ({ name: "Bash", input: { command, description: "Do" } });

function asksOf(bodies: readonly EntryBody[]): OpenedAsk[] {
  return bodies.flatMap((body) => (body.kind === "ask:opened" ? [body.ask] : []));
}

/** Plays the steps; each ask is answered in turn. */
async function play(
  on: DrivenHarness,
  steps: object[],
  answers: readonly AskAnswer[],
): Promise<TurnEnd & { bodies: EntryBody[]; asks: OpenedAsk[]; results: string[] }> {
  const from = on.bodies.length;
  const over = on.turn(script(steps));
  for (const [index, answer] of answers.entries()) {
    const ask = await untilAsked(on, from, index);
    on.harness.asking?.answer(ask.askId, answer);
  }
  const end = await over;
  const blocks = [...checkBlocks(end.bodies).values()].flat();
  const results = blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
  return { ...end, asks: asksOf(end.bodies), results };
}

async function untilAsked(on: DrivenHarness, from: number, index = 0): Promise<OpenedAsk> {
  await on.seen(() => asksOf(on.bodies.slice(from)).length > index);
  return asksOf(on.bodies.slice(from))[index] as OpenedAsk;
}

test("rules without a mode: what asks is asked, what is denied is refused, all else is done; each answer", async () => {
  const { status, asks, results, bodies } = await play(
    one,
    [
      { tools: [bash("echo free > free.txt; cat free.txt")] },
      { tools: [bash("touch once")] },
      { tools: [bash("touch never")] },
      { tools: [bash("touch wrong")] },
      { tools: [bash("rm free.txt")] },
      { text: "Done." },
    ],
    [
      { decision: "allow" },
      { decision: "deny", reason: "Leave it." },
      { decision: "allow", input: { command: "echo instead > right", description: "Do" } },
    ],
  );
  expect(status).toBe("completed");
  expect(asks).toHaveLength(3);
  expect(asks[0]).toMatchObject({
    conversationId: "main",
    kind: "permission",
    prompt: "May the agent use Bash: touch once",
    rule: "Bash(touch *)",
    details: { toolName: "Bash", input: { command: "touch once" } },
  });
  // The call's block is there before the ask that names it.
  const at = bodies.findIndex((body) => body.kind === "ask:opened");
  expect(bodies.slice(0, at)).toContainEqual(
    expect.objectContaining({
      kind: "block:complete",
      block: expect.objectContaining({ type: "tool_use", toolUseId: asks[0]?.toolUseId }) as object,
    }),
  );
  expect(["once", "never", "wrong", "right"].map((name) => existsSync(join(one.workspace, name)))).toEqual([
    true,
    false,
    false,
    true,
  ]);
  expect(results[0]).toBe("free");
  expect(results[2]).toBe("Leave it.");
  expect(results[4]).toMatch(/denied/);
  expect(bodies.some((body) => body.kind === "ask:withdrawn")).toBe(false);
});

test("allowed for the session: not asked again, in another sandbox neither; another call is", async () => {
  await using sandbox = await drive({ profile: PROFILE, model: one.model });
  const write = (name: string) => ({
    name: "Write",
    input: { file_path: join(sandbox.workspace, name), content: "x" },
  });
  const first = await play(
    sandbox,
    [
      { tools: [write("a")] },
      { tools: [write("b")] },
      { tools: [bash("touch c; touch d")] },
      { tools: [bash("touch c; touch d")] },
      { tools: [bash("touch e")] },
      { tools: [bash("touch f")] },
      { tools: [bash("touch ../g; touch *")] },
      { text: "Done." },
    ],
    [...[1, 2, 3].map((): AskAnswer => ({ decision: "allow", scope: "session" })), { decision: "deny" }],
  );
  expect(first.asks.map(({ rule }) => rule)).toEqual(["Write", "Bash(touch c; touch d)", "Bash(touch *)", undefined]);
  await using other = await drive({ profile: PROFILE, model: one.model, allowedTools: ["Write", "Bash(touch *)"] });
  const second = await play(
    other,
    [
      { tools: [{ name: "Write", input: { file_path: join(other.workspace, "a"), content: "x" } }] },
      { tools: [bash("touch c")] },
      { text: "Done." },
    ],
    [],
  );
  expect([second.status, second.asks, existsSync(join(other.workspace, "c"))]).toEqual(["completed", [], true]);
});

test("a question: offered with its options, answered by text, or not answered", async () => {
  const question = (text: string) => ({
    name: "AskUserQuestion",
    input: {
      questions: [
        {
          question: text,
          header: "Colour",
          multiSelect: true,
          options: [
            { label: "Red", description: "warm" },
            { label: "Blue", description: "cold" },
          ],
        },
      ],
    },
  });
  const { asks, results } = await play(
    one,
    [{ tools: [question("Which?")] }, { tools: [question("And now?")] }, { text: "Thanks." }],
    [
      { decision: "allow", answers: { "Which?": ["Red", "Blue"] } },
      { decision: "deny", reason: "Decide yourself." },
    ],
  );
  expect(asks[0]).toMatchObject({ kind: "question", prompt: "Which?", details: { questions: [{ header: "Colour" }] } });
  expect(asks[0]).not.toHaveProperty("rule");
  expect(results[0]).toContain('"Which?"="Red, Blue"');
  expect(results[1]).toBe("Decide yourself.");
});

test("a subagent asks in its own conversation, and an interrupt withdraws the ask", async () => {
  const prompt = script([{ tools: [bash("touch inner")] }, { text: "Inner done." }]);
  const agent = { name: "Agent", input: { description: "Help", subagent_type: "general-purpose", prompt } };
  const { asks, bodies } = await play(one, [{ tools: [agent] }, { text: "Done." }], [{ decision: "allow" }]);
  const subagent = bodies.find((body) => body.kind === "subagent:discovered");
  expect(asks).toMatchObject([{ conversationId: subagent?.subagentId, kind: "permission" }]);
  expect(existsSync(join(one.workspace, "inner"))).toBe(true);

  const from = one.bodies.length;
  const over = one.turn(script([{ tools: [bash("touch interrupted")] }, { text: "Done." }]));
  const ask = await untilAsked(one, from);
  await one.harness.interrupt();
  const end = await over;
  expect(end.status).toBe("interrupted");
  expect(end.bodies).toContainEqual({ kind: "ask:withdrawn", askId: ask.askId });
  expect(existsSync(join(one.workspace, "interrupted"))).toBe(false);
});

test("a subagent that is stopped withdraws its ask, and the turn goes on", async () => {
  const prompt = script([{ tools: [bash("touch stopped")] }, { text: "Inner done." }]);
  const agent = { name: "Agent", input: { description: "Help", subagent_type: "general-purpose", prompt } };
  const from = one.bodies.length;
  const over = one.turn(script([{ tools: [agent] }, { text: "Without it." }]));
  const ask = await untilAsked(one, from);
  expect(await one.harness.stopSubagent?.(ask.conversationId)).toBe(true);
  const end = await over;
  expect(end.status).toBe("completed");
  expect(end.bodies).toContainEqual({ kind: "ask:withdrawn", askId: ask.askId });
  expect(existsSync(join(one.workspace, "stopped"))).toBe(false);
});

test("the process dies while it waits: the ask is withdrawn, the turn fails, the next one works", async () => {
  const from = one.bodies.length;
  const over = one.turn(script([{ tools: [bash("touch dead")] }, { text: "Done." }]));
  const ask = await untilAsked(one, from);
  process.kill(one.pid(), "SIGKILL");
  const end = await over;
  expect(end).toMatchObject({ status: "failed", error: { code: "harness_failed" } });
  expect(end.bodies).toContainEqual({ kind: "ask:withdrawn", askId: ask.askId });
  // An answer that comes now is too late, and does no harm.
  one.harness.asking?.answer(ask.askId, { decision: "allow" });
  const next = await play(one, [{ tools: [bash("touch alive")] }, { text: "Done." }], [{ decision: "allow" }]);
  expect(next.status).toBe("completed");
  expect([existsSync(join(one.workspace, "dead")), existsSync(join(one.workspace, "alive"))]).toEqual([false, true]);
});

test("modes: default and plan ask; a plan that is approved is gone on with; another mode while an ask waits", async () => {
  await using two = await drive({ model: one.model, sessionOptions: { permissionMode: "plan" } });
  const planned = await play(
    two,
    [
      { tools: [{ name: "ExitPlanMode", input: { plan: "# First this" } }] },
      { tools: [{ name: "ExitPlanMode", input: { plan: "# Then that" } }] },
      { tools: [bash("touch planned")] },
      { text: "Done." },
    ],
    [{ decision: "deny", reason: "Not so." }, { decision: "allow" }],
  );
  expect(planned.asks).toMatchObject([
    { kind: "plan", details: { plan: "# First this", permissionMode: "bypassPermissions" } },
    { kind: "plan", details: { plan: "# Then that" } },
  ]);
  expect(planned.results[0]).toBe("Not so.");
  // The profile's own mode, which asks nothing.
  expect(existsSync(join(two.workspace, "planned"))).toBe(true);

  await two.harness.setOptions({ permissionMode: "default" });
  const from = two.bodies.length;
  const over = two.turn(
    script([{ tools: [bash("touch x; touch y")] }, { tools: [bash("touch z")] }, { text: "Done." }]),
  );
  const ask = await untilAsked(two, from);
  await two.harness.setOptions({ permissionMode: "bypassPermissions" });
  two.harness.asking?.answer(ask.askId, { decision: "deny", reason: "No." });
  expect((await over).status).toBe("completed");
  expect(["x", "z"].map((name) => existsSync(join(two.workspace, name)))).toEqual([false, true]);
});

test("the time that people need is not the turn's", async () => {
  const from = one.bodies.length;
  const over = one.turn(script([{ tools: [bash("touch slow")] }, { text: "Done." }]));
  const ask = await untilAsked(one, from);
  // A bound that any turn at work is beyond.
  await one.harness.setOptions({ model: "claude-sonnet-4-5", limits: { maxDurationMs: 1 } });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await one.harness.setOptions({ model: "claude-sonnet-4-5" });
  one.harness.asking?.answer(ask.askId, { decision: "allow" });
  expect((await over).status).toBe("completed");
  const working = one.turn(script([{ tools: [bash("sleep 61.37")] }, { text: "Done." }]));
  const at = one.bodies.length;
  await one.seen(() => one.bodies.slice(at).some(({ kind }) => kind === "block:complete"));
  await one.harness.setOptions({ model: "claude-sonnet-4-5", limits: { maxDurationMs: 1 } });
  expect((await working).error?.code).toBe("turn_limit");
  await one.harness.setOptions({ model: "claude-sonnet-4-5" });
});

test("nothing is said of calls that nobody needs to be asked for", async () => {
  const end = await play(one, [{ tools: [bash("echo free")] }, { text: "Done." }], []);
  expect(outline(checkBlocks(end.bodies).get("main"))).toEqual([
    "tool_use Bash success",
    "tool_result ok: free",
    "assistant_text: Done.",
  ]);
  expect(await readFile(join(one.workspace, "free.txt"), "utf8")).toBe("free\n");
});

test("an MCP server asks: answered with content, declined, and withdrawn with its turn", async () => {
  const args = [join(import.meta.dirname, "..", "testing", "asking-server.mjs")];
  await using two = await drive({
    model: one.model,
    profile: { externalMCPs: [{ name: "booking", command: process.execPath, args }] },
  });
  const book = { name: "mcp__booking__book", input: {} };
  const { asks, results } = await play(
    two,
    [{ tools: [book] }, { tools: [book] }, { text: "Done." }],
    [{ decision: "allow", content: { seats: 2 } }, { decision: "deny" }],
  );
  expect(asks[0]).toMatchObject({
    kind: "elicitation",
    conversationId: "main",
    prompt: "booking: How many seats?",
    details: { serverName: "booking", requestedSchema: { required: ["seats"] } },
  });
  expect(asks[0]?.toolUseId).toBeDefined();
  expect(results.map((text) => JSON.parse(text) as object)).toEqual([
    { action: "accept", content: { seats: 2 } },
    { action: "decline" },
  ]);
  const from = two.bodies.length;
  const over = two.turn(script([{ tools: [book] }, { text: "Done." }]));
  const ask = await untilAsked(two, from);
  expect(await two.harness.asking?.defer()).toEqual({ deferred: false, reason: "An MCP server waits for the answer." });
  await two.harness.interrupt();
  expect((await over).bodies).toContainEqual({ kind: "ask:withdrawn", askId: ask.askId });
});

test("an MCP server's call that takes longer than it may withdraws what it asks", async () => {
  const args = [join(import.meta.dirname, "..", "testing", "asking-server.mjs")];
  await using two = await drive({
    model: one.model,
    profile: { externalMCPs: [{ name: "booking", command: process.execPath, args }] },
    environment: { MCP_TOOL_TIMEOUT: "1500" },
  });
  const end = await two.turn(script([{ tools: [{ name: "mcp__booking__book", input: {} }] }, { text: "Done." }]));
  const [ask] = asksOf(end.bodies);
  expect(end.status).toBe("completed");
  expect(end.bodies).toContainEqual({ kind: "ask:withdrawn", askId: ask?.askId });
});
