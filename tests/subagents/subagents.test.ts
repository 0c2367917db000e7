import type { BlocksPage } from "@hhopkins/agent-runtime-protocol";
import type { ScriptStep } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { profileBench, type ProfileBench } from "../profiles/bench.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said } from "../testing/runtime-under-test.ts";

let bench: ProfileBench;
beforeAll(async () => {
  bench = await profileBench({ tools: ["Bash", "Agent"] });
});
afterAll(() => bench[Symbol.asyncDispose]());

function agent(steps: readonly ScriptStep[], more: object = {}) {
  const input = { description: "Help", subagent_type: "general-purpose", prompt: prompt("Help", ...steps), ...more };
  return { name: "Agent", input };
}

const background = { run_in_background: true };

/** Waits for files, and not for ever. */
function waitFor(...files: string[]): string {
  const all = files.map((file) => `[ -e ${file} ]`).join(" && ");
  return `for n in $(seq 600); do if ${all}; then exit 0; fi; sleep 0.1; done; exit 1`;
}

async function conversation(id: string): Promise<BlocksPage["blocks"]> {
  const answer = await bench.server.request("GET", `/sessions/${bench.sessionId}/blocks?conversation=${id}`);
  return ((await answer.json()) as BlocksPage).blocks;
}

const stop = (subagentId: string): Promise<Response> =>
  bench.server.request("POST", `/sessions/${bench.sessionId}/subagents/${subagentId}/stop`);

async function latestSubagents(count: number) {
  return (await bench.server.state(bench.sessionId)).subagents.slice(-count);
}

test("in parallel, in the foreground: their caller waits for both, and they do not wait for each other", async () => {
  const { state, results } = await bench.play(
    "Ask two",
    {
      tools: [
        agent([{ tools: [bash(`touch a; ${waitFor("b")}`)] }, { text: "A saw B." }]),
        agent([{ tools: [bash(`touch b; ${waitFor("a")}`)] }, { text: "B saw A." }]),
      ],
    },
    { text: "Both are back." },
  );
  expect(state.subagents).toMatchObject([
    { name: "general-purpose", status: "completed", output: "A saw B.", parentId: "main" },
    { name: "general-purpose", status: "completed", output: "B saw A.", parentId: "main" },
  ]);
  expect(state.subagents.map(({ background: beside }) => beside)).toEqual([undefined, undefined]);
  expect(results.join()).toContain("A saw B.");
  expect(results.join()).toContain("B saw A.");
  expect(said(state)).toEqual(["Both are back."]);
  const [first] = state.subagents;
  expect((await conversation(first?.id ?? "")).map(({ type }) => type)).toEqual([
    "user_message",
    "tool_use",
    "tool_result",
    "assistant_text",
  ]);
});

test("in the background: their caller goes on beside them, and the turn is over when they are", async () => {
  const { state } = await bench.play(
    "Launch two",
    {
      tools: [
        agent([{ tools: [bash(`touch c; ${waitFor("d", "go")}`)] }, { text: "C is done." }], background),
        agent([{ tools: [bash(`touch d; ${waitFor("c", "go")}`)] }, { text: "D is done." }], background),
      ],
    },
    // What both wait for.
    { text: "I go on.", tools: [bash("touch go")] },
    { text: "Launched." },
    { text: "One is back." },
    { text: "The other is back." },
  );
  expect(await latestSubagents(2)).toMatchObject([
    { status: "completed", output: "C is done.", background: true, parentId: "main" },
    { status: "completed", output: "D is done.", background: true, parentId: "main" },
  ]);
  expect(said(state)).toEqual(expect.arrayContaining(["I go on.", "Launched.", "One is back."]));
  expect(state.blocks.filter(({ type }) => type === "subagent")).toMatchObject([
    {},
    {},
    { status: "completed", output: "C is done." },
    { status: "completed", output: "D is done." },
  ]);
});

test("nested: a subagent's subagent has it as its parent, and a conversation of its own", async () => {
  const inner = agent([{ tools: [bash("echo inside")] }, { text: "Inner is done." }]);
  const { state } = await bench.play(
    "Nest",
    { tools: [agent([{ tools: [inner] }, { text: "Outer is done." }])] },
    { text: "Done." },
  );
  const [outer, nested] = await latestSubagents(2);
  expect(outer).toMatchObject({ status: "completed", output: "Outer is done.", parentId: "main" });
  expect(nested).toMatchObject({ status: "completed", output: "Inner is done.", parentId: outer?.id });
  const blocks = await conversation(outer?.id ?? "");
  expect(blocks.find(({ type }) => type === "subagent")).toMatchObject({ subagentId: nested?.id, status: "completed" });
  expect(JSON.stringify(await conversation(nested?.id ?? ""))).toContain("inside");
  expect(said(state).at(-1)).toBe("Done.");
});

test("usage and cost of each: its own answers alone, at the prices of the session", async () => {
  const before = await bench.server.state(bench.sessionId);
  const usage = { input: 1000, output: 300, cacheRead: 2000, cacheWrite: 400 };
  const inner = agent([{ text: "Inner.", usage: { input: 70, output: 6 } }]);
  const { state } = await bench.play(
    "Spend",
    {
      tools: [
        agent([
          { tools: [inner], usage: { input: 500, output: 20 } },
          { text: "Outer.", usage },
        ]),
      ],
    },
    { text: "Done." },
  );
  const [outer, nested] = await latestSubagents(2);
  expect(outer?.usage).toEqual({
    inputTokens: 1500,
    outputTokens: 320,
    cacheReadTokens: 2000,
    cacheWriteTokens: 400,
    thinkingTokens: 0,
    totalTokens: 4220,
  });
  expect(nested?.usage).toMatchObject({ inputTokens: 70, outputTokens: 6, totalTokens: 76 });
  // Of claude-sonnet-4-5, in dollars a million tokens: input 3, output 15, cache reads 0.3, writes 3.75.
  expect(outer?.costUSD).toBeCloseTo((1500 * 3 + 320 * 15 + 2000 * 0.3 + 400 * 3.75) / 1e6, 9);
  expect(nested?.costUSD).toBeCloseTo((70 * 3 + 6 * 15) / 1e6, 9);
  // The session's own has them too, and the two answers of its main conversation.
  const { sessionMetadata } = state;
  const total = sessionMetadata.usage.totalTokens - before.sessionMetadata.usage.totalTokens;
  expect(total).toBe(4220 + 76 + 2 * 15);
  const parts = (outer?.costUSD ?? 0) + (nested?.costUSD ?? 0) + (2 * (10 * 3 + 5 * 15)) / 1e6;
  expect(sessionMetadata.costUSD - before.sessionMetadata.costUSD).toBeCloseTo(parts, 9);
});

test("a stop for one: it ends as stopped, its caller and the others go on", async () => {
  const endless = agent([{ text: "I wait.", tools: [bash(waitFor("never"))] }, { text: "Never said." }]);
  const other = agent([{ tools: [bash(`touch e; ${waitFor("stopped")}`)] }, { text: "I am still here." }], background);
  const before = (await bench.server.state(bench.sessionId)).subagents.length;
  await bench.server.send(
    bench.sessionId,
    prompt(
      "Wait",
      { tools: [other, endless] },
      { text: "I go on.", tools: [bash("touch stopped")] },
      { text: "It was stopped." },
      { text: "The other is back." },
    ),
  );
  const waiting = await bench.server.until(bench.sessionId, ({ subagents }) =>
    subagents
      .slice(before)
      .some(({ blocks }) => blocks.some((block) => "content" in block && block.content === "I wait.")),
  );
  const id = waiting.subagents.find(({ blocks }) => JSON.stringify(blocks).includes("I wait."))?.id ?? "";
  expect((await stop(id)).status).toBe(204);
  const state = await bench.server.until(bench.sessionId, ({ turn }) => turn === null);
  const [beside, stopped] = [state.subagents.at(-2), state.subagents.at(-1)].toSorted((one) =>
    one?.id === id ? 1 : -1,
  );
  expect(stopped).toMatchObject({ id, status: "stopped" });
  expect(stopped?.blocks.at(-1)).toMatchObject({ type: "tool_use", status: "error" });
  expect(beside).toMatchObject({ status: "completed", output: "I am still here." });
  expect(said(state)).toEqual(expect.arrayContaining(["I go on.", "It was stopped."]));
  // Again, and one that there is not.
  expect((await stop(id)).status).toBe(204);
  const unknown = await stop("toolu_nobody");
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({ error: "subagent_not_found" });
});

test("an interrupt stops all of them, those in the background too, and the session goes on", async () => {
  const endless = (more: object) => agent([{ text: "I wait.", tools: [bash(waitFor("never"))] }], more);
  const before = (await bench.server.state(bench.sessionId)).subagents.length;
  const message = prompt("Wait", { tools: [endless(background), endless(background)] }, { text: "Both are launched." });
  await bench.server.send(bench.sessionId, message);
  await bench.server.until(
    bench.sessionId,
    (state) =>
      said(state).at(-1) === "Both are launched." &&
      state.subagents.slice(before).filter(({ blocks }) => blocks.some(({ type }) => type === "tool_use")).length === 2,
  );
  expect((await bench.server.request("POST", `/sessions/${bench.sessionId}/interrupt`)).status).toBe(204);
  const state = await bench.server.until(bench.sessionId, ({ turn }) => turn === null);
  expect(state.subagents.slice(before).map(({ status }) => status)).toEqual(["stopped", "stopped"]);
  expect(state.blocks.at(-1)).toMatchObject({ type: "system", subtype: "interrupted" });
  const next = await bench.play("Go on", { text: "Here I am." });
  expect(said(next.state).at(-1)).toBe("Here I am.");
  expect(next.state.subagents.length).toBe(before + 2);
});

test("a stop does not reach what the subagent had launched in the background", async () => {
  const inner = agent(
    [{ text: "I am inner.", tools: [bash(waitFor("outer-stopped"))] }, { text: "Inner is done." }],
    background,
  );
  const outer = agent([{ tools: [inner] }, { text: "I am outer.", tools: [bash(waitFor("never"))] }], background);
  const { length } = (await bench.server.state(bench.sessionId)).subagents;
  const steps = [
    { text: "Launched." },
    { tools: [bash("touch outer-stopped")] },
    { text: "So be it." },
    { text: "Done." },
  ];
  await bench.server.send(bench.sessionId, prompt("Wait", { tools: [outer] }, ...steps));
  const both = await bench.server.until(bench.sessionId, ({ subagents }) =>
    ["I am outer.", "I am inner."].every((words) =>
      JSON.stringify(subagents.slice(length)).includes(`"content":"${words}"`),
    ),
  );
  const id = both.subagents.slice(length).find(({ parentId }) => parentId === "main")?.id ?? "";
  expect((await stop(id)).status).toBe(204);
  const state = await bench.server.until(bench.sessionId, ({ turn }) => turn === null);
  expect(state.subagents.slice(length)).toMatchObject([
    { id, status: "stopped" },
    { parentId: id, status: "completed", output: "Inner is done." },
  ]);
});

test("one that has ended goes on in its conversation when it is sent a message", async () => {
  await using other = await profileBench({ tools: ["Bash", "Agent", "SendMessage"] });
  const steps = [{ text: "Said first." }, { text: "Said later." }];
  const first = await other.play("Ask", { tools: [agent(steps)] }, { text: "It is back." });
  const [, to] = /agentId: (\w+)/.exec(first.results[0] ?? "") ?? [];
  const send = { name: "SendMessage", input: { to, summary: "go on", message: "Go on, please." } };
  const { state } = await other.play("Ask again", { tools: [send] }, { text: "Sent." }, { text: "It is back again." });
  expect(state.subagents).toMatchObject([{ status: "completed", output: "Said later.", usage: { totalTokens: 30 } }]);
  expect(state.subagents[0]?.blocks.map((block) => ("content" in block ? block.content : ""))).toEqual([
    expect.stringContaining("Help") as string,
    "Said first.",
    "Go on, please.",
    "Said later.",
  ]);
  expect(state.blocks.filter(({ type }) => type === "subagent")).toMatchObject([
    { output: "Said first." },
    { output: "Said later.", input: "Go on, please." },
  ]);
});

test("one whose model refuses ends as failed, with the reason, and its caller goes on", async () => {
  const { state } = await bench.play(
    "Try",
    { tools: [agent([{ error: { status: 400, message: "no such thing" } }])] },
    { text: "It failed." },
  );
  const [failed] = await latestSubagents(1);
  expect(failed).toMatchObject({ status: "failed", output: expect.stringContaining("no such thing") as string });
  expect(failed?.blocks.at(-1)).toMatchObject({ type: "error", code: "model_refused" });
  expect(said(state).at(-1)).toBe("It failed.");
});

test("commands do not outlive their turn in the background: told so, or ended with it", async () => {
  const { results, state } = await bench.play(
    "Serve",
    { tools: [{ name: "Bash", input: { command: "sleep 20", description: "test", run_in_background: true } }] },
    {
      tools: [
        { name: "Bash", input: { command: `echo $$ > pid; ${waitFor("never")}`, description: "test", timeout: 1000 } },
      ],
    },
    { text: "Done." },
    { text: "Not said: nothing wakes the agent." },
  );
  expect(results[0]).toContain("nohup");
  expect(results[1]).toContain("moved to the background");
  expect(said(state).at(-1)).toBe("Done.");
  const next = await bench.play("Look", { tools: [bash("kill -0 $(cat pid) || echo gone")] }, { text: "Looked." });
  expect(next.results[0]).toContain("gone");
});
