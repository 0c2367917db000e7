import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said } from "../testing/runtime-under-test.ts";
import { profileBench, sent, type ProfileBench } from "./bench.ts";
import { recordFields } from "./field-results.ts";

recordFields("bounds");

const SERVER = join(import.meta.dirname, "counting-server.mjs");

let bench: ProfileBench;
beforeAll(async () => {
  bench = await profileBench({
    model: "claude-opus-4-6",
    tools: ["Bash", "Write", "Read"],
    disallowedTools: ["Bash(touch *)", "Write"],
    effort: "low",
    limits: { maxSteps: 2 },
  });
});
afterAll(() => bench[Symbol.asyncDispose]());

const effortOf = (request: { body?: unknown } | undefined): unknown =>
  (request?.body as { output_config?: { effort?: string } } | undefined)?.output_config?.effort;

async function patch(options: object): Promise<void> {
  const answer = await bench.server.request("PATCH", `/sessions/${bench.sessionId}/options`, options);
  expect(answer.status).toBe(204);
}

test("tools: only those that are listed are offered", async () => {
  const { requests } = await bench.play("Hello", { text: "Hello." });
  expect(requests[0]?.toolNames?.toSorted()).toEqual(["Bash", "Read"]);
});

test("disallowedTools: a tool is not offered; of another one, calls that fit the pattern are refused", async () => {
  const { results, state } = await bench.play(
    "Try",
    { tools: [bash("cd . && touch no.txt"), bash("echo yes > yes.txt; cat yes.txt")] },
    { text: "done" },
  );
  expect(results[0]).toMatch(/touch no\.txt has been denied/);
  expect(results[1]).toBe("yes");
  expect(state.workspaceFiles.map(({ path }) => path)).toEqual(["yes.txt"]);
});

test("tools: with a pattern, what does not fit it is refused without a question", async () => {
  await using other = await profileBench({ tools: ["Bash(git *)"] });
  const { results, requests, state } = await other.play(
    "Try",
    { tools: [bash("git init -q . && git --version"), bash("git init -q . ; touch no.txt")] },
    { text: "done" },
  );
  expect(requests[0]?.toolNames).toEqual(["Bash"]);
  expect(results[0]).toMatch(/git version/);
  expect(results[1]).toMatch(/denied/);
  expect(state.workspaceFiles).toEqual([]);
});

test("tools: with a pattern, subagents, skills and MCP servers of the profile are allowed", async () => {
  await using other = await profileBench({
    tools: ["Read(*)", "Bash(git *)"],
    skills: [{ name: "plain", description: "Plain", skillMd: "PLAIN body" }],
    subagents: [{ name: "helper", description: "Helps", prompt: "Help.", tools: ["Bash"] }],
    defaultWorkspaceFiles: [{ path: "server.mjs", content: readFileSync(SERVER, "utf8") }],
    externalMCPs: [{ name: "counter", command: "node", args: ["server.mjs"] }],
  });
  const inside = prompt("Help", { tools: [bash("touch by-helper.txt")] }, { text: "Could not." });
  const call = { name: "Agent", input: { description: "help", prompt: inside, subagent_type: "helper" } };
  const { results, state } = await other.play(
    "Try",
    { tools: [{ name: "Skill", input: { skill: "profile:plain" } }] },
    { tools: [{ name: "mcp__counter__count", input: {} }] },
    { tools: [call] },
    { text: "done" },
  );
  expect(results[0]).toBe("Launching skill: profile:plain");
  expect(results[1]).toMatch(/"calls":1/);
  expect(state.subagents[0]).toMatchObject({ status: "completed", output: "Could not." });
  expect(state.workspaceFiles.map(({ path }) => path)).toEqual(["server.mjs"]);
});

test("effort: it reaches the model; the session's stands before the profile's, at once", async () => {
  expect(effortOf((await bench.play("Think", { text: "Done." })).requests[0])).toBe("low");
  // This model has no xhigh, and the harness gives it what is next below.
  for (const [effort, had] of Object.entries({ medium: "medium", high: "high", xhigh: "high", max: "max" })) {
    await patch({ effort });
    expect(effortOf((await bench.play("Think", { text: "Done." })).requests[0])).toBe(had);
  }
});

test("limits: a turn ends at maxSteps and says so; the next one has its own", async () => {
  const steps = [bash("echo 1"), bash("echo 2"), bash("echo 3")].map((call) => ({ tools: [call] }));
  const { state, requests } = await bench.play("Work", ...steps, { text: "All done." });
  expect(requests).toHaveLength(2);
  expect(errors(state)).toEqual(["turn_limit"]);
  const next = await bench.play("Go on");
  expect(next.requests).toHaveLength(2);
  expect(said(next.state).at(-1)).toBe("All done.");
});

test("limits: the session's stand before the profile's, each by itself, from the next turn on", async () => {
  await patch({ limits: { maxSteps: 4, maxDurationMs: 3_600_000 } });
  const steps = [bash("echo 1"), bash("echo 2"), bash("echo 3")].map((call) => ({ tools: [call] }));
  const { state, requests } = await bench.play("Work", ...steps, { text: "Done at last." });
  expect(requests).toHaveLength(4);
  expect(said(state).at(-1)).toBe("Done at last.");
  // Another process, and the same conversation.
  expect(sent(requests[0])).toContain("All done.");
});

test("limits: a turn ends at maxDurationMs, its tool with it", async () => {
  await patch({ limits: { maxDurationMs: 1500 } });
  const { state, results } = await bench.play("Sleep", { tools: [bash("sleep 61.37 && echo late")] }, { text: "done" });
  expect(state.blocks.at(-1)).toMatchObject({
    type: "error",
    code: "turn_limit",
    message: expect.stringContaining("maxDurationMs") as string,
  });
  expect(results.join()).not.toContain("late");
});

test("limits: a turn ends beyond maxCostUSD; the next one has a budget of its own", async () => {
  await patch({ limits: { maxCostUSD: 0.02 } });
  const dear = { tools: [bash("echo 1")], usage: { output: 2000 } };
  const { state, requests } = await bench.play("Spend", dear, { text: "Not said." });
  expect(requests).toHaveLength(1);
  expect(state.blocks.at(-1)).toMatchObject({
    type: "error",
    code: "turn_limit",
    message: expect.stringContaining("budget") as string,
  });
  const next = await bench.play("Cheap", { text: "Said." });
  expect(said(next.state).at(-1)).toBe("Said.");
});
