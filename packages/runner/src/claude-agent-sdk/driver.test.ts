import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { checkBlocks, outline } from "./testing/block-rules.ts";
import { drive, type DrivenHarness } from "./testing/driven-harness.ts";

let one: DrivenHarness;

beforeAll(async () => {
  one = await drive();
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
});

const SLEEP = { name: "Bash", input: { command: ": && sleep 61.37 && echo late", description: "Sleep" } };

test("thinking, text, Write and Bash; usage and cost of the turn alone", async () => {
  const steps = [
    {
      thinking: "First the file.",
      text: "I write.",
      tools: [{ name: "Write", input: { file_path: join(one.workspace, "a.txt"), content: "hello\n" } }],
    },
    {
      tools: [{ name: "Bash", input: { command: "cat a.txt; pwd", description: "Show" } }],
      usage: { input: 100, output: 7, cacheRead: 50, cacheWrite: 3 },
    },
    { text: "Done." },
  ];
  const first = await one.turn(script(steps));
  expect(first.status).toBe("completed");
  expect(await readFile(join(one.workspace, "a.txt"), "utf8")).toBe("hello\n");
  expect(outline(checkBlocks(first.bodies).get("main"))).toEqual([
    "thinking: First the file.",
    "assistant_text: I write.",
    "tool_use Write success",
    expect.stringMatching(/^tool_result ok: File created/),
    "tool_use Bash success",
    "tool_result ok: hello",
    "assistant_text: Done.",
  ]);
  expect(first.usage).toEqual({
    inputTokens: 120,
    outputTokens: 17,
    cacheReadTokens: 50,
    cacheWriteTokens: 3,
    thinkingTokens: 0,
    totalTokens: 190,
  });
  expect(first.costUSD).toBeGreaterThan(0);
  // All of the harness's tools are offered, but for those that would wake it between turns.
  const offered = one.model.requests.flatMap(({ toolNames = [] }) => toolNames);
  expect(offered).toEqual(expect.arrayContaining(["Agent", "Bash", "Write"]));
  expect(offered.filter((name) => /Cron|Wakeup|Monitor/.test(name))).toEqual([]);
  const second = await one.turn(script([{ text: "Again." }]));
  expect(second.usage.totalTokens).toBe(15);
  expect(second.costUSD).toBeLessThan(first.costUSD);
  expect(second.bodies.filter((body) => body.kind === "usage")).toEqual([
    { kind: "usage", usage: second.usage, costUSD: second.costUSD, model: "claude-sonnet-4-5" },
  ]);
});

test("a subagent is a conversation of its own, a nested one too", async () => {
  const agent = (prompt: string) => ({
    name: "Agent",
    input: { description: "Help", subagent_type: "general-purpose", prompt },
  });
  const inner = script([
    { text: "Inner works.", tools: [{ name: "Bash", input: { command: "echo inside", description: "Echo" } }] },
    { text: "Inner done." },
  ]);
  const outer = script([{ thinking: "Hm.", text: "Outer asks.", tools: [agent(inner)] }, { text: "Outer done." }]);
  const end = await one.turn(script([{ tools: [agent(outer)] }, { text: "Main done." }]));
  const conversations = checkBlocks(end.bodies);
  const [main, first, second] = [...conversations.values()];
  expect(outline(main)).toEqual([
    "tool_use Agent success",
    "subagent general-purpose completed: Outer done.",
    expect.stringMatching(/^tool_result ok/),
    "assistant_text: Main done.",
  ]);
  expect(outline(first)).toEqual([
    `user_message: ${outer}`,
    "thinking: Hm.",
    "assistant_text: Outer asks.",
    "tool_use Agent success",
    "subagent general-purpose completed: Inner done.",
    expect.stringMatching(/^tool_result ok/),
    "assistant_text: Outer done.",
  ]);
  expect(outline(second)).toEqual([
    `user_message: ${inner}`,
    "assistant_text: Inner works.",
    "tool_use Bash success",
    "tool_result ok: inside",
    "assistant_text: Inner done.",
  ]);
  expect(
    end.bodies.filter((body) => body.kind === "subagent:completed").map((body) => [body.status, body.output]),
  ).toEqual([
    ["completed", "Inner done."],
    ["completed", "Outer done."],
  ]);
  expect(end.usage.totalTokens).toBe(6 * 15);
});

test("an interrupt ends a text, a tool and a subagent; the session goes on", async () => {
  const talking = one.turn(script([{ text: "word ".repeat(400), delayMs: 20 }]));
  await one.seen((body) => body.kind === "block:delta" && body.delta.startsWith("word"));
  await one.harness.interrupt();
  const talked = await talking;
  expect(talked.status).toBe("interrupted");
  expect(outline(checkBlocks(talked.bodies).get("main"))).toEqual([
    expect.stringMatching(/^assistant_text: word/),
    "system interrupted",
  ]);

  const prompt = script([{ tools: [SLEEP] }]);
  const helping = one.turn(
    script([{ tools: [{ name: "Agent", input: { description: "Help", subagent_type: "general-purpose", prompt } }] }]),
  );
  await one.seen(
    (body) =>
      body.kind === "block:complete" &&
      body.block.type === "tool_use" &&
      body.block.input["command"] === SLEEP.input.command,
  );
  await one.harness.interrupt();
  const helped = await helping;
  expect(helped.status).toBe("interrupted");
  const [main, subagent] = [...checkBlocks(helped.bodies).values()];
  expect(outline(main)).toEqual([
    "tool_use Agent error",
    "subagent general-purpose stopped: ",
    expect.stringMatching(/^tool_result error/),
    "system interrupted",
  ]);
  expect(outline(subagent)).toEqual([expect.stringMatching(/^user_message/), "tool_use Bash error"]);
  await vi.waitFor(async () => expect(await sleepers()).toEqual([]));

  expect((await one.turn(script([{ text: "Still here." }]))).status).toBe("completed");
});

test("a message with a slash is text; one that the conversation has already ends its turn", async () => {
  const slash = await one.turn(`/clear ${script([{ text: "It is only text." }])}`);
  expect(outline(checkBlocks(slash.bodies).get("main"))).toEqual(["assistant_text: It is only text."]);

  const messages = [{ messageId: "twice", content: script([{ text: "Once." }]) }];
  expect(await one.harness.runTurn({ turnId: "turn-once", messages })).toMatchObject({ status: "completed" });
  expect(await one.harness.runTurn({ turnId: "turn-twice", messages })).toMatchObject({
    status: "failed",
    error: { code: "harness_failed" },
  });
});

test("two messages of one turn are both answered before it ends", async () => {
  const messages = ["First.", "Second."].map((text) => ({ messageId: text.slice(0, -1), content: script([{ text }]) }));
  const from = one.bodies.length;
  const end = await one.harness.runTurn({ turnId: "turn-of-two", messages });
  expect(end).toMatchObject({ status: "completed", usage: { totalTokens: 30 } });
  expect(outline(checkBlocks(one.bodies.slice(from)).get("main"))).toEqual([
    "assistant_text: First.",
    "assistant_text: Second.",
  ]);
});

test("a wrong credential fails the turn at once, and an interrupt can carry a failure", async () => {
  const unauthorized = await one.turn(script([{ error: { status: 401 } }]));
  expect(unauthorized.error?.code).toBe("model_auth_failed");
  expect(unauthorized.error?.message).toContain("ANTHROPIC_API_KEY");
  expect(outline(checkBlocks(unauthorized.bodies).get("main"))).toEqual(["error model_auth_failed"]);

  const from = one.model.requests.length;
  const hanging = one.turn(script([{ hang: true }]));
  await expect.poll(() => one.model.requests.length).toBeGreaterThan(from);
  await one.harness.interrupt({ code: "harness_timeout", message: "It took too long." });
  const hung = await hanging;
  expect(hung).toMatchObject({ status: "failed", error: { code: "harness_timeout", message: "It took too long." } });
  expect(outline(checkBlocks(hung.bodies).get("main"))).toEqual(["error harness_timeout"]);
});

test("what the model's API answers becomes one error block, or is survived", async () => {
  const cases = [
    { steps: [{ error: { status: 400, message: "no such thing" } }], blocks: ["error model_refused"] },
    { steps: [{ error: { status: 429 } }], blocks: ["system api_retry", "error model_rate_limited"] },
    {
      steps: [{ error: { status: 529, times: 1 } }, { text: "Recovered." }],
      blocks: ["system api_retry", "assistant_text: Recovered."],
    },
    {
      steps: [{ text: "This is cut off.", dropAfter: { deltas: 1, times: 1 }, chunk: 5 }],
      blocks: ["system api_retry", "assistant_text: This is cut off."],
    },
  ];
  await using other = await drive({ model: one.model, environment: { CLAUDE_CODE_MAX_RETRIES: "1" } });
  for (const { steps, blocks } of cases) {
    const { bodies } = await other.turn(script(steps));
    expect(outline(checkBlocks(bodies).get("main"))).toEqual(blocks);
  }
  const tool = { name: "Bash", input: { command: "echo ran", description: "Run" } };
  const cut = await other.turn(
    script([{ tools: [tool], dropAfter: { deltas: 1000, times: 1 } }, { text: "After it." }]),
  );
  expect(cut.status).toBe("completed");
  expect(outline(checkBlocks(cut.bodies).get("main"))).toEqual([
    "tool_use Bash success",
    "tool_result ok: ran",
    "system model_error",
    "assistant_text: After it.",
  ]);
});

test("a killed harness fails its turn and is started again with the history; its tools die with it", async () => {
  await using other = await drive({ model: one.model });
  await other.turn(script([{ text: "One." }, { tools: [SLEEP] }]));
  const sleeping = other.turn("go on");
  await other.seen((body) => body.kind === "block:complete" && body.block.type === "tool_use");
  await expect.poll(sleepers, { timeout: 20_000 }).not.toEqual([]);
  process.kill(other.pid(), "SIGKILL");
  const killed = await sleeping;
  expect(killed).toMatchObject({ status: "failed", error: { code: "harness_failed" } });
  expect(outline(checkBlocks(killed.bodies).get("main"))).toEqual([
    "tool_use Bash error",
    expect.stringMatching(/^tool_result error: The agent's process ended/),
    "error harness_failed",
  ]);
  await vi.waitFor(async () => expect(await sleepers()).toEqual([]));
  const after = await other.turn(script([{ text: "Three." }]));
  expect(outline(checkBlocks(after.bodies).get("main"))).toEqual(["assistant_text: Three."]);
  expect(JSON.stringify(one.model.requests.at(-1)?.body)).toContain("One.");

  await using elsewhere = await drive({ model: one.model, resume: other });
  expect(elsewhere.harness.nativeSessionId).toBe(other.harness.nativeSessionId);
  const resumed = await elsewhere.turn(`what was it? ${script([{ text: "Here." }])}`);
  expect(resumed.status).toBe("completed");
  expect(JSON.stringify(one.model.requests.at(-1)?.body)).toContain("Three.");
  expect(resumed.usage.totalTokens).toBe(15);
});

test("a harness that does not react to an interrupt is killed, and the turn counts as interrupted", async () => {
  await using other = await drive({ model: one.model, times: { interruptGraceMs: 300 } });
  const hanging = other.turn(script([{ hang: true }]));
  await expect.poll(() => one.model.requests.some(({ outcome }) => outcome === "open")).toBe(true);
  process.kill(other.pid(), "SIGSTOP");
  await other.harness.interrupt();
  const end = await hanging;
  expect(end.status).toBe("interrupted");
  const next = await other.turn(script([{ text: "Alive." }]));
  expect(outline(checkBlocks(next.bodies).get("main"))).toEqual(["assistant_text: Alive."]);
});

test("profile and options reach the model: prompt, tools, subagents, model; the environment is ours alone", async () => {
  process.env["HOST_SECRET_CANARY"] = "canary-of-the-host";
  const profile = {
    systemPrompt: "You are the test's own agent.",
    tools: ["Read", "Bash"],
    model: "claude-haiku-4-5",
    subagents: [{ name: "reviewer", description: "Reviews what was written.", prompt: "You review.", tools: ["Read"] }],
  };
  await using other = await drive({
    profile,
    sessionOptions: {},
    environment: { GREETING: "good morning" },
    model: one.model,
  });
  delete process.env["HOST_SECRET_CANARY"];
  const tool = { name: "Bash", input: { command: "env; id -u", description: "Look" } };
  const review = {
    name: "Agent",
    input: { description: "Review", subagent_type: "reviewer", prompt: script([{ text: "Reviewed." }]) },
  };
  const end = await other.turn(script([{ tools: [tool] }, { tools: [review] }, { text: "Done." }]));
  const request = (part: string) => one.model.requests.findLast(({ system }) => system?.includes(part) === true);
  expect(request("the test's own agent")).toMatchObject({
    model: "claude-haiku-4-5",
    headers: { "x-api-key": "token-of-the-session" },
  });
  expect(request("the test's own agent")?.toolNames?.toSorted()).toEqual(["Agent", "Bash", "Read"]);
  expect(request("You review.")?.toolNames).toEqual(["Read"]);
  const [main] = [...checkBlocks(end.bodies).values()];
  const environment = main?.find((block) => block.type === "tool_result")?.content ?? "";
  expect(environment).toContain("GREETING=good morning");
  expect(environment).not.toContain("canary-of-the-host");
  expect(end.bodies.findLast((body) => body.kind === "usage")?.model).toBe("claude-haiku-4-5");

  await other.harness.setOptions({ model: "claude-opus-4-5" });
  await other.turn(script([{ text: "Changed." }]));
  expect(request("the test's own agent")?.model).toBe("claude-opus-4-5");
});

test("a missing SDK is named with the command that installs it", async () => {
  const { loadSdk } = await import("./sdk.ts");
  await expect(loadSdk("/nonexistent")).rejects.toMatchObject({
    code: "missing_dependency",
    message: expect.stringContaining("npm install @anthropic-ai/claude-agent-sdk"),
  });
});

/** Processes of the sleeping tool that are still there. */
async function sleepers(): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return commands.filter((command) => command === "sleep\x0061.37\0");
}
