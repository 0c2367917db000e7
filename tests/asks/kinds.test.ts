import type { Ask, AskAnswer } from "@hhopkins/agent-runtime";
import { script } from "@hhopkins/agent-runtime-testkit";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bash } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";
import { askBench, results, type AskBench } from "./bench.ts";

const SERVER = new URL("../../packages/runner/src/claude-agent-sdk/testing/asking-server.mjs", import.meta.url);

/** Answers the asks one by one, as they come; answers what they were. */
async function answerAll(bench: AskBench, answers: readonly AskAnswer[]): Promise<Ask[]> {
  const asks: Ask[] = [];
  for (const answer of answers) {
    const known = new Set(asks.map(({ askId }) => askId));
    const { asks: open } = await bench.server.until(bench.sessionId, (state) =>
      state.asks.some(({ askId }) => !known.has(askId)),
    );
    const ask = open.find(({ askId }) => !known.has(askId)) as Ask;
    asks.push(ask);
    const response = await bench.answer(ask.askId, answer);
    if (response.status !== 200) throw new Error(`answer: ${response.status} ${await response.text()}`);
  }
  return asks;
}

test("a question, a plan, an MCP server's elicitation and a subagent's permission, each answered by REST", async () => {
  await using bench = await askBench({
    tools: undefined,
    permissions: { ask: ["Bash(touch *)"] },
    externalMCPs: [{ name: "booking", command: "node", args: ["tools/asking.mjs"] }],
    defaultWorkspaceFiles: [{ path: "tools/asking.mjs", content: readFileSync(SERVER, "utf8") }],
  });
  const options = [
    { label: "Red", description: "warm" },
    { label: "Blue", description: "cold" },
  ];
  const questions = [{ question: "Which?", header: "Colour", multiSelect: false, options }];
  const inner = script([{ tools: [bash("touch inner && echo touched")] }, { text: "inner done" }]);
  const steps = [
    { tools: [{ name: "AskUserQuestion", input: { questions } }] },
    { tools: [{ name: "mcp__booking__book", input: {} }] },
    { tools: [{ name: "Agent", input: { description: "Help", subagent_type: "general-purpose", prompt: inner } }] },
    { tools: [{ name: "EnterPlanMode", input: {} }] },
    { tools: [{ name: "ExitPlanMode", input: { plan: "# First this" } }] },
    { text: "done" },
  ];
  await bench.untilAsked("go", steps);
  // An answer of another kind's shape is refused, and the ask still waits.
  const [first] = (await bench.server.state(bench.sessionId)).asks;
  expect(await (await bench.answer(first?.askId ?? "", { decision: "allow" })).json()).toMatchObject({
    error: "invalid_request",
    field: "body.answers",
  });
  const [question, elicitation, permission, plan] = await answerAll(bench, [
    { decision: "allow", answers: { "Which?": "Blue" } },
    { decision: "allow", content: { seats: 2 } },
    { decision: "allow", scope: "once" },
    { decision: "deny", reason: "think again" },
  ]);
  const state = await bench.over();
  expect(question).toMatchObject({ kind: "question", prompt: "Which?", details: { questions } });
  expect(elicitation).toMatchObject({
    kind: "elicitation",
    details: { serverName: "booking", requestedSchema: { required: ["seats"] } },
  });
  // Seen on the parent, with the conversation that it is of.
  const [subagent] = state.subagents;
  expect(permission).toMatchObject({ kind: "permission", conversationId: subagent?.id });
  expect(plan).toMatchObject({ kind: "plan", details: { plan: "# First this" } });
  const [chosen, booked] = results(state);
  expect(chosen).toContain('"Which?"="Blue"');
  expect(JSON.parse(booked ?? "")).toEqual({ action: "accept", content: { seats: 2 } });
  expect(subagent?.blocks.some((block) => block.type === "tool_result" && block.content === "touched")).toBe(true);
  expect(results(state).at(-1)).toContain("think again");
  expect([said(state).at(-1), state.asks]).toEqual(["done", []]);
});

test("onAsk answers in people's place, or leaves it to them; a session in memory answers too", async () => {
  const asked: string[] = [];
  await using bench = await askBench(
    { permissions: { ask: ["Bash"] }, asks: { answerableBy: ["lee"] } },
    {
      onAsk: (ask, { agentProfileReference }) => {
        const command = JSON.stringify(ask.details?.["input"]);
        asked.push(agentProfileReference);
        if (command.includes("boom")) throw new Error("boom");
        return command.includes("free") ? { decision: "allow" } : undefined;
      },
    },
  );
  const { server, sessionId } = bench;
  const steps = [{ tools: [bash("echo free")] }, { tools: [bash("echo boom")] }, { tools: [bash("echo own")] }];
  await bench.untilAsked("go", [...steps, { text: "done" }]);
  const boom = await server.until(sessionId, ({ asks }) => JSON.stringify(asks).includes("boom"));
  const session = server.runtime.sessionManager.getSession(sessionId);
  const next = boom.asks[0]?.askId ?? "";
  const allow = { askId: next, answer: { decision: "allow" } } as const;
  await expect(session.answer({ ...allow, by: "kim" })).rejects.toMatchObject({ code: "forbidden" });
  await expect(session.answer({ askId: next, answer: {} as never })).rejects.toMatchObject({
    code: "invalid_request",
    field: "answer.decision",
  });
  expect(await session.answer(allow)).toMatchObject({ by: "application" });
  const own = await server.until(sessionId, ({ asks }) => JSON.stringify(asks).includes("own"));
  expect((await bench.answer(own.asks[0]?.askId ?? "", { decision: "deny" }, "lee")).status).toBe(200);
  const state = await bench.over();
  expect(results(state).slice(0, 2)).toEqual(["free", "boom"]);
  expect([said(state), asked]).toEqual([["done"], ["p", "p", "p"]]);
  expect(server.logs.some(({ message }) => message.startsWith("onAsk did not answer"))).toBe(true);
});
