import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { describe, expect, test } from "vitest";
import type { NativeMessage } from "./native.ts";
import { checkBlocks, outline } from "./testing/block-rules.ts";
import { createTranslator } from "./translator.ts";
import { createTurnProgress } from "./turn-progress.ts";
import { NOTHING_SPENT, addSpent, spentSince } from "./usage.ts";

const FOLDER = join(import.meta.dirname, "recordings");
const NAMES = readdirSync(FOLDER).map((file) => file.replace(/\.jsonl$/, ""));

function recording(name: string): NativeMessage[] {
  const lines = readFileSync(join(FOLDER, `${name}.jsonl`), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as NativeMessage);
}

/** Translates message by message with a clock that ticks, and ends a turn wherever the driver would. */
function play(messages: readonly NativeMessage[], log: (message: string) => void = () => undefined) {
  let ticks = 0;
  const translator = createTranslator({ now: () => new Date(Date.UTC(2026, 0, 1) + ticks++), log });
  const bodies: EntryBody[] = [];
  const statuses: string[] = [];
  const end = (): void => {
    const outcome = translator.endTurn(`turn-${statuses.length + 1}`, { interrupted: false });
    bodies.push(...outcome.bodies);
    statuses.push(outcome.status);
  };
  const progress = createTurnProgress([]);
  for (const message of messages) {
    bodies.push(...translator.translate(message));
    if (progress.isOver(message)) end();
  }
  return { bodies, statuses };
}

describe("every recording keeps the rules of blocks", () => {
  test.each(NAMES)("%s", (name) => {
    const unknown: string[] = [];
    const { bodies } = play(recording(name), (message) => unknown.push(message));
    checkBlocks(bodies);
    expect(unknown).toEqual([]);
  });
});

test.each([
  [
    "two-turns",
    ["completed", "completed"],
    ["assistant_text: First answer.", "assistant_text: Second answer, from the first script."],
  ],
  ["api-error-400", ["failed", "completed"], ["error model_refused", "assistant_text: Still here."]],
  ["api-error-401", ["failed"], ["error model_auth_failed"]],
  ["api-529-forever", ["failed"], ["system api_retry", "error model_overloaded"]],
  ["api-429", ["completed"], ["system api_retry", "assistant_text: Recovered after 429."]],
  [
    "dropped-stream",
    ["completed"],
    ["system api_retry", "assistant_text: This answer is cut in the middle of its text."],
  ],
  [
    "dropped-after-block",
    ["completed"],
    [
      "thinking: Complete thought.",
      "system injected",
      "thinking: Complete thought.",
      "assistant_text: This text is cut in the middle.",
    ],
  ],
  [
    "dropped-after-tool",
    ["completed"],
    [
      "assistant_text: I run a tool.",
      "tool_use Bash success",
      "tool_result ok: ran",
      "system model_error",
      "assistant_text: After the tool.",
    ],
  ],
  [
    "thinking-tools",
    ["completed"],
    [
      "thinking: I should write the file first.",
      "assistant_text: I write the file.",
      "tool_use Write success",
      "tool_result ok: File created successfully at: /workspace",
      "assistant_text: Now I run it.",
      "tool_use Bash success",
      "tool_use Bash error",
      "tool_result ok: hello",
      "tool_result error: Exit code 3",
      "thinking: All done.",
      "assistant_text: Done: hello world.",
    ],
  ],
  [
    "interrupted-in-tool",
    ["interrupted", "completed"],
    [
      "assistant_text: I sleep.",
      "tool_use Bash error",
      "tool_result error: The user doesn't want to proceed with th",
      "system interrupted",
      "assistant_text: Still here.",
    ],
  ],
  ["unknown-tool", ["completed"], expect.arrayContaining(["tool_use Teleport error"])],
  [
    "subagent-background",
    ["completed"],
    [
      "assistant_text: I ask a helper.",
      "tool_use Agent success",
      "subagent general-purpose completed: The helper saw everything.",
      "tool_result ok: Async agent launched successfully. (This",
      "assistant_text: The helper was launched.",
      "assistant_text: The helper is back.",
    ],
  ],
])("%s: how it ends and what stands in the main conversation", (name, statuses, blocks) => {
  const played = play(recording(name));
  expect(played.statuses).toEqual(statuses);
  expect(outline(checkBlocks(played.bodies).get("main"))).toEqual(blocks);
});

test("deltas, ids, times and durations of one tool call, literally", () => {
  const { bodies } = play(recording("unknown-tool"));
  const id = "tool:toolu_74a59102ffda4ca6be44ac133d8618e7";
  const toolUseId = "toolu_74a59102ffda4ca6be44ac133d8618e7";
  const common = { id, timestamp: "2026-01-01T00:00:00.001Z", type: "tool_use", toolName: "Teleport", toolUseId };
  const result = {
    type: "tool_result",
    id: `result:${toolUseId}`,
    timestamp: "2026-01-01T00:00:00.003Z",
    toolUseId,
    isError: true,
    durationMs: 2,
  };
  const content = "<tool_use_error>Error: No such tool available: Teleport</tool_use_error>";
  expect(bodies.filter((body) => JSON.stringify(body).includes(toolUseId))).toEqual([
    { kind: "block:start", conversationId: "main", block: { ...common, input: {}, status: "pending" } },
    { kind: "block:delta", conversationId: "main", blockId: id, delta: '{"to":"Mars"}' },
    { kind: "block:complete", conversationId: "main", block: { ...common, input: { to: "Mars" }, status: "running" } },
    { kind: "block:start", conversationId: "main", block: { ...result, content: "" } },
    { kind: "block:complete", conversationId: "main", block: { ...result, content } },
    { kind: "block:update", conversationId: "main", blockId: id, updates: { status: "error" } },
  ]);
});

test("notices: a retry block tells of the latest try, a limit is said once, a failed compaction says what to do", () => {
  const retry = (attempt: number) => ({
    type: "system",
    subtype: "api_retry",
    uuid: `r${attempt}`,
    attempt,
    max_retries: 15,
    retry_delay_ms: 2400,
    error_status: 529,
    error: "overloaded",
  });
  const limit = (status: string) => ({
    type: "rate_limit_event",
    uuid: status,
    rate_limit_info: { status, rateLimitType: "five_hour", utilization: 0.91, resetsAt: 1_767_225_600 },
  });
  const compacting = (compact_error: string) => ({
    type: "system",
    subtype: "status",
    uuid: compact_error,
    compact_result: "failed",
    compact_error,
  });
  const translator = createTranslator({ now: () => new Date(0), log: () => undefined });
  const messages = [
    retry(1),
    retry(2),
    limit("allowed"),
    limit("allowed_warning"),
    limit("allowed_warning"),
    limit("rejected"),
    compacting("too_few_groups"),
    compacting("no answer"),
  ];
  const bodies = messages.flatMap((message) => translator.translate(message));
  const updates = bodies.flatMap((body) => (body.kind === "block:update" ? [body.updates.content] : []));
  expect(updates).toEqual(["The model is overloaded (529). The agent tries again in 2 s (2 of at most 15)."]);
  const end = translator.endTurn("turn-1", { interrupted: true });
  const blocks = checkBlocks([...bodies, ...end.bodies]).get("main") ?? [];
  expect(blocks.map((block) => ("content" in block ? block.content : ""))).toEqual([
    "The model is overloaded (529). The agent tried again 2 times.",
    "The limit of the model's account (five hour) is near, 91 % used; it is reset at 2026-01-01T00:00:00.000Z.",
    "The limit of the model's account (five hour) is reached, 91 % used; it is reset at 2026-01-01T00:00:00.000Z.",
    expect.stringContaining(
      "could not sum up its conversation, which becomes too long for the model: no answer",
    ) as string,
    "The turn was interrupted.",
  ]);
});

test("a void block is taken back, not left open", () => {
  const { bodies } = play(recording("dropped-stream"));
  const retracted = bodies.flatMap((body) =>
    body.kind === "block:complete" && body.block.retracted === true ? [body.block] : [],
  );
  expect(retracted).toMatchObject([{ type: "assistant_text", content: "This answer is cut in the middle" }]);
});

test("usage counts subagents, and each result only what came since the last", () => {
  const spent = (name: string) =>
    recording(name)
      .filter(({ type }) => type === "result")
      .map(spentSince);
  expect(spent("subagent").map(({ usage }) => [usage.inputTokens, usage.outputTokens])).toEqual([[40, 20]]);
  expect(spent("two-turns").map(({ costUSD }) => costUSD)).toEqual([0.000105, 0.000105]);
  expect(spent("subagent-background").reduce(addSpent, NOTHING_SPENT).usage.totalTokens).toBe(75);
});

test("a turn whose harness died: open text stays, an open tool call goes, the error is one block", () => {
  const messages = recording("thinking-tools");
  for (const [index, message] of messages.entries()) {
    if (message.type !== "stream_event") continue;
    const translator = createTranslator({ now: () => new Date(0), log: () => undefined });
    const bodies = messages.slice(0, index + 1).flatMap((one) => translator.translate(one));
    const failure = { code: "harness_failed", message: "It died." };
    const end = translator.endTurn("turn-1", { interrupted: false, failure });
    const blocks = checkBlocks([...bodies, ...end.bodies]).get("main") ?? [];
    expect(end).toMatchObject({ status: "failed", error: failure });
    expect(blocks.filter(({ type }) => type === "error")).toMatchObject([
      { code: "harness_failed", message: "It died." },
    ]);
    expect(blocks.filter((block) => block.type === "tool_use" && !["success", "error"].includes(block.status))).toEqual(
      [],
    );
  }
});

test("whatever comes in whatever order: never throws, and the rules hold", () => {
  const all = NAMES.flatMap(recording);
  const odd = [
    null,
    7,
    "x",
    {},
    { type: "new_thing" },
    { type: "assistant" },
    { type: "user", message: { content: [null] } },
  ] as unknown as NativeMessage[];
  const oddIds = {
    type: "assistant",
    message: { id: "über id/1", content: [{ type: "tool_use", id: "call 1?", name: "Bash", input: null }] },
  } as unknown as NativeMessage;
  for (let seed = 1; seed <= 150; seed++) {
    const random = randomFrom(seed);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const messages = Array.from({ length: 120 }, () => (random() < 0.1 ? pick([...odd, oddIds]) : pick(all)));
    const shuffled = [...messages, ...messages.slice(0, 20)];
    const translator = createTranslator({ now: () => new Date(0), log: () => undefined });
    const bodies = shuffled.flatMap((message) => translator.translate(message));
    checkRules([...bodies, ...translator.endTurn("turn-1", { interrupted: random() < 0.5 }).bodies]);
  }
});

/** The rules but for content: pieces of different streams are mixed here. */
function checkRules(bodies: readonly EntryBody[]): void {
  checkBlocks(bodies.filter(({ kind }) => kind !== "block:delta"));
}

/** Numbers from 0 to 1 that depend on the seed alone, so that a failure can be repeated. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
