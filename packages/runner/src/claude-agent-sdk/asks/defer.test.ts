import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentProfile, AskAnswer, EntryBody, OpenedAsk } from "@hhopkins/agent-runtime-protocol";
import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { TurnEnd } from "../../architecture.ts";
import { drive, type DrivenHarness } from "../testing/driven-harness.ts";

const PROFILE: Partial<AgentProfile> = { permissions: { ask: ["Bash(touch *)", "Bash(echo *)"] } };

let first: DrivenHarness;
beforeAll(async () => {
  first = await drive({ profile: PROFILE });
});
afterAll(async () => {
  await first[Symbol.asyncDispose]();
});

const bash = (command: string) => ({ name: "Bash", input: { command, description: "Do" } });
const log = (file: string) => bash(`echo effect >> ${file}`);

/** Plays the steps until the turn asks so many times. */
async function untilAsked(
  on: DrivenHarness,
  steps: object[],
  count = 1,
): Promise<{ asks: OpenedAsk[]; over: Promise<TurnEnd> }> {
  const from = on.bodies.length;
  const over = on.turn(script(steps));
  const asks = (): OpenedAsk[] =>
    on.bodies.slice(from).flatMap((body) => (body.kind === "ask:opened" ? [body.ask] : []));
  await on.seen(() => asks().length >= count);
  return { asks: asks(), over };
}

/** Puts the turn off. */
async function deferred(on: DrivenHarness, over: Promise<TurnEnd>): Promise<TurnEnd> {
  expect(await on.harness.asking?.defer()).toEqual({ deferred: true });
  const end = await over;
  expect(end.deferred).toBe(true);
  return end;
}

async function goOn(
  on: DrivenHarness,
  ask: OpenedAsk | undefined,
  answer?: AskAnswer,
): Promise<TurnEnd & { bodies: EntryBody[]; results: string[] }> {
  const from = on.bodies.length;
  if (ask === undefined || on.harness.asking === undefined) throw new Error("There is no ask.");
  const asks = [answer === undefined ? { ask } : { ask, answer }];
  const end = await on.harness.asking.continueTurn({ turnId: "continued", asks });
  await on.harness.flush();
  const bodies = on.bodies.slice(from);
  const results = bodies.flatMap((body) =>
    body.kind === "block:complete" && body.block.type === "tool_result" ? [body.block.content] : [],
  );
  return { ...end, bodies, results };
}

function said(bodies: readonly EntryBody[]): string[] {
  return bodies.flatMap((body) =>
    body.kind === "block:complete" && body.block.type === "assistant_text" ? [body.block.content] : [],
  );
}

/** The last thing that the model was asked. */
const lastRequest = (on: DrivenHarness): string => JSON.stringify(on.model.requests.at(-1));

test("a turn that waits is put off, and goes on in another sandbox with what was answered meanwhile", async () => {
  const steps = [{ text: "First." }, { tools: [log("effect.txt")] }, { text: "Done." }, { text: "Next turn." }];
  await first.turn(script(steps));
  const from = first.bodies.length;
  const { asks, over } = await untilAsked(first, [
    { tools: [log("effect.txt")] },
    { text: "Done." },
    { text: "Next turn." },
  ]);
  const end = await deferred(first, over);
  // What it cost until then was told; the call is neither an error nor over.
  expect(end.usage.totalTokens).toBeGreaterThan(0);
  const told = first.bodies.slice(from);
  expect(told.filter(({ kind }) => ["block:update", "ask:withdrawn", "turn:ended"].includes(kind))).toEqual([]);
  expect(told.some((body) => body.kind === "block:complete" && body.block.type === "tool_result")).toBe(false);

  await using second = await drive({ profile: PROFILE, model: first.model, resume: first });
  const went = await goOn(second, asks[0], { decision: "allow" });
  expect(went).toMatchObject({ status: "completed", results: ["(Bash completed with no output)"] });
  expect(said(went.bodies)).toEqual(["Done."]);
  expect(went.bodies.some(({ kind }) => kind === "ask:opened" || kind === "ask:withdrawn")).toBe(false);
  // The block that was begun in the other sandbox.
  expect(went.bodies).toContainEqual({
    kind: "block:update",
    conversationId: "main",
    blockId: `tool:${asks[0]?.toolUseId}`,
    updates: { status: "success" },
  });
  expect(await readFile(join(second.workspace, "effect.txt"), "utf8")).toBe("effect\n");
  // The same process goes on; and a third sandbox has the conversation, and does not make the call again.
  expect(said((await second.turn("And then?")).bodies)).toEqual(["Next turn."]);
  await using third = await drive({ profile: PROFILE, model: first.model, resume: second });
  await third.turn(script([{ text: "Third." }]));
  expect(lastRequest(third)).toContain("Next turn.");
  expect(existsSync(join(third.workspace, "effect.txt"))).toBe(false);
  // It has its result: there is nothing to go on with.
  expect(await goOn(third, asks[0], { decision: "allow" })).toMatchObject({
    status: "failed",
    error: { code: "harness_failed", message: expect.stringContaining("lacks the call") as string },
  });
  expect(existsSync(join(third.workspace, "effect.txt"))).toBe(false);
});

test("answered after it was gone on with, denied, rewritten, in the same sandbox", async () => {
  const { asks, over } = await untilAsked(first, [{ tools: [log("one.txt")] }, { text: "Denied." }]);
  await deferred(first, over);
  const waiting = goOn(first, asks[0]);
  first.harness.asking?.answer(asks[0]?.askId ?? "", { decision: "deny", reason: "Not now." });
  expect(await waiting).toMatchObject({ status: "completed", results: ["Not now."] });

  const again = await untilAsked(first, [{ tools: [log("two.txt")] }, { text: "Rewritten." }]);
  await deferred(first, again.over);
  // Whatever the mode is by now.
  await first.harness.setOptions({ model: "claude-sonnet-4-5", permissionMode: "bypassPermissions" });
  const input = { command: "echo other >> three.txt", description: "Do" };
  expect(await goOn(first, again.asks[0], { decision: "allow", input })).toMatchObject({ status: "completed" });
  await first.harness.setOptions({ model: "claude-sonnet-4-5", permissionMode: "default" });
  const mode = await untilAsked(first, [
    { tools: [bash("mkdir four")] },
    { tools: [bash("mkdir five")] },
    { text: "One was made." },
  ]);
  await deferred(first, mode.over);
  await first.harness.setOptions({ model: "claude-sonnet-4-5", permissionMode: "bypassPermissions" });
  expect(await goOn(first, mode.asks[0], { decision: "deny", reason: "No." })).toMatchObject({
    results: ["No.", "(Bash completed with no output)"],
  });
  // Only the call that had waited was asked for: the mode holds for what follows.
  expect(["four", "five"].map((name) => existsSync(join(first.workspace, name)))).toEqual([false, true]);
  expect(["one.txt", "two.txt", "three.txt"].map((name) => existsSync(join(first.workspace, name)))).toEqual([
    false,
    false,
    true,
  ]);
});

test("a question and a plan are put off too", async () => {
  const questions = [
    {
      question: "Which?",
      header: "H",
      multiSelect: false,
      options: [
        { label: "A", description: "a" },
        { label: "B", description: "b" },
      ],
    },
  ];
  const { asks, over } = await untilAsked(first, [
    { tools: [{ name: "AskUserQuestion", input: { questions } }] },
    { text: "Thanks." },
  ]);
  await deferred(first, over);
  await using second = await drive({ profile: PROFILE, model: first.model, resume: first });
  const went = await goOn(second, asks[0], { decision: "allow", answers: { "Which?": "B" } });
  expect(went.results[0]).toContain('"Which?"="B"');

  await second.harness.setOptions({ permissionMode: "plan" });
  const plan = await untilAsked(second, [
    { tools: [{ name: "ExitPlanMode", input: { plan: "# Plan" } }] },
    { tools: [bash("mkdir planned")] },
    { text: "Planned." },
  ]);
  expect(plan.asks).toMatchObject([{ kind: "plan", details: { plan: "# Plan" } }]);
  await deferred(second, plan.over);
  await using third = await drive({
    profile: PROFILE,
    model: first.model,
    resume: second,
    // As the server has it by then.
    sessionOptions: { permissionMode: "bypassPermissions" },
  });
  expect(await goOn(third, plan.asks[0], { decision: "allow" })).toMatchObject({ status: "completed" });
  expect(existsSync(join(third.workspace, "planned"))).toBe(true);
});

test("killed in the middle of the tool after it was allowed: not again, and it is said that the outcome is unknown", async () => {
  const { asks, over } = await untilAsked(first, [
    { tools: [bash("touch begun; sleep 60.73")] },
    { text: "I look what happened." },
  ]);
  await deferred(first, over);
  const second = await drive({ profile: PROFILE, model: first.model, resume: first });
  const went = goOn(second, asks[0], { decision: "allow" });
  await vi.waitFor(() => expect(existsSync(join(second.workspace, "begun"))).toBe(true));
  await second.harness.flush();
  await second.harness.stop();
  await went;
  await using third = await drive({ profile: PROFILE, model: first.model, resume: second });
  const again = await goOn(third, asks[0], { decision: "allow" });
  expect(again.results).toEqual([expect.stringMatching(/outcome is unknown/)]);
  expect(said(again.bodies)).toEqual(["I look what happened."]);
  expect(existsSync(join(third.workspace, "begun"))).toBe(false);
  await second[Symbol.asyncDispose]();
});

test("what cannot be put off stays: a subagent's ask, two asks, a sibling that waits; each says why", async () => {
  expect(await first.harness.asking?.defer()).toMatchObject({ deferred: false });
  await first.harness.setOptions({ model: "claude-sonnet-4-5" });
  const prompt = script([{ tools: [bash("touch inner")] }, { text: "Inner done." }]);
  const agent = { name: "Agent", input: { description: "Help", subagent_type: "general-purpose", prompt } };
  const inner = await untilAsked(first, [{ tools: [agent] }, { text: "Done." }]);
  expect(await first.harness.asking?.defer()).toEqual({
    deferred: false,
    reason: expect.stringMatching(/subagent/) as string,
  });
  first.harness.asking?.answer(inner.asks[0]?.askId ?? "", { decision: "allow" });
  expect(await inner.over).toMatchObject({ status: "completed" });

  const siblings = await untilAsked(first, [{ tools: [bash("touch s1"), bash("touch s2")] }, { text: "Done." }]);
  const reason = expect.stringMatching(/[Oo]ther calls|answers/) as string;
  expect(await first.harness.asking?.defer()).toEqual({ deferred: false, reason });
  first.harness.asking?.answer(siblings.asks[0]?.askId ?? "", { decision: "allow" });
  const from = first.bodies.length;
  await first.seen(() => first.bodies.slice(from).some(({ kind }) => kind === "ask:opened"));
  // The first has its result by now: the second is alone.
  const end = await deferred(first, siblings.over);
  expect(end.status).toBe("interrupted");
  const second = first.bodies.slice(from).flatMap((body) => (body.kind === "ask:opened" ? [body.ask] : []))[0];
  await using other = await drive({ profile: PROFILE, model: first.model, resume: first });
  expect(await goOn(other, second, { decision: "allow" })).toMatchObject({ status: "completed" });
  expect([existsSync(join(other.workspace, "s2")), existsSync(join(first.workspace, "s1"))]).toEqual([true, true]);
  // The model was shown both results.
  expect(lastRequest(other).match(/"tool_result"/g)?.length).toBeGreaterThanOrEqual(2);
});
