import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ScriptedModel, startScriptedModel } from "./server.ts";
import { script } from "./step.ts";
import { startClaude } from "./testing/claude.ts";

// The real harness, so that the wire format is what it expects and not what we think it is.

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());

type Block = { type: string; text?: string; thinking?: string; name?: string; content?: unknown; is_error?: boolean };

/** The content blocks of a kind of message, in order. */
function blocks(messages: readonly SDKMessage[], type: "assistant" | "user"): (Block & { inSubagent: boolean })[] {
  return messages.flatMap((message) => {
    if (message.type !== type) return [];
    const { content } = message.message;
    const list = (typeof content === "string" ? [{ type: "text", text: content }] : content) as Block[];
    return list.map((block) => ({ ...block, inSubagent: message.parent_tool_use_id !== null }));
  });
}

function streamed(messages: readonly SDKMessage[], kind: "text_delta" | "thinking_delta"): string[] {
  return messages.flatMap((message) => {
    if (message.type !== "stream_event" || message.event.type !== "content_block_delta") return [];
    const { delta } = message.event;
    if (delta.type !== kind) return [];
    return [delta.type === "text_delta" ? delta.text : "thinking" in delta ? delta.thinking : ""];
  });
}

const resultOf = (messages: readonly SDKMessage[]) => messages.find((message) => message.type === "result")!;

test("thinking, text, Write and Bash, then a turn that plays the next step", async () => {
  await using claude = await startClaude(model);
  const path = join(claude.cwd, "hello.txt");
  const messages = await claude.turn(
    `Work ${script([
      {
        thinking: "I write it down.",
        text: "First the file.",
        tools: [{ name: "Write", input: { file_path: path, content: "hé\n" } }],
      },
      { tools: [{ name: "Bash", input: { command: "cat hello.txt; exit 3", description: "Look" } }] },
      { text: "All done, no more to say.", usage: { input: 100, output: 20, cacheRead: 300, cacheWrite: 40 } },
      { text: "Played later." },
    ])}`,
  );
  expect(await readFile(path, "utf8")).toBe("hé\n");
  expect(streamed(messages, "thinking_delta")).toEqual(["I write it down."]);
  expect(streamed(messages, "text_delta")).toEqual(["First the file.", "All done, no mor", "e to say."]);
  expect(blocks(messages, "assistant").map((block) => block.name ?? block.text ?? block.thinking)).toEqual([
    "I write it down.",
    "First the file.",
    "Write",
    "Bash",
    "All done, no more to say.",
  ]);
  const results = blocks(messages, "user").filter((block) => block.type === "tool_result");
  expect(results).toMatchObject([{}, { is_error: true, content: "Exit code 3\nhé" }]);
  expect(resultOf(messages)).toMatchObject({
    subtype: "success",
    is_error: false,
    result: "All done, no more to say.",
    usage: { input_tokens: 120, output_tokens: 30, cache_read_input_tokens: 300, cache_creation_input_tokens: 40 },
  });
  expect(resultOf(await claude.turn("No script here"))).toMatchObject({ result: "Played later." });
});

test("a subagent plays the script inside its prompt", async () => {
  await using claude = await startClaude(model);
  const inner = script([
    { thinking: "Where am I?", tools: [{ name: "Bash", input: { command: "echo from-inside", description: "Say" } }] },
    { text: "I have seen it." },
  ]);
  const input = {
    description: "Look",
    subagent_type: "general-purpose",
    run_in_background: false,
    prompt: `Look ${inner}`,
  };
  const messages = await claude.turn(script([{ tools: [{ name: "Agent", input }] }, { text: "It is back." }]));
  const said = blocks(messages, "assistant").map((block) => [
    block.inSubagent,
    block.name ?? block.text ?? block.thinking,
  ]);
  expect(said).toEqual([
    [false, "Agent"],
    [true, "Where am I?"],
    [true, "Bash"],
    [true, "I have seen it."],
    [false, "It is back."],
  ]);
  expect(JSON.stringify(blocks(messages, "user"))).toContain("from-inside");
});

test("an overloaded model is asked again", async () => {
  await using claude = await startClaude(model);
  const messages = await claude.turn(script([{ error: { status: 529, times: 1 } }, { text: "Now I can." }]));
  expect(messages).toContainEqual(expect.objectContaining({ type: "system", subtype: "api_retry", error_status: 529 }));
  expect(resultOf(messages)).toMatchObject({ result: "Now I can." });
});

test("an error for ever ends the turn, and the next message works", async () => {
  await using claude = await startClaude(model);
  const failed = await claude.turn(script([{ error: { status: 400, message: "no such thing" } }]));
  expect(resultOf(failed)).toMatchObject({
    is_error: true,
    result: expect.stringContaining("no such thing") as string,
  });
  expect(resultOf(await claude.turn(script([{ text: "Fine." }])))).toMatchObject({ result: "Fine." });
});

test("a model that hangs is interrupted, and the session goes on", async () => {
  await using claude = await startClaude(model);
  const turn = claude.turn(script([{ hang: true }]), (message, query) => {
    if (message.type === "system" && message.subtype === "status") {
      void vi.waitFor(() => expect(model.requests.at(-1)!.outcome).toBe("open"), 10_000).then(() => query.interrupt());
    }
  });
  expect(resultOf(await turn)).toMatchObject({ is_error: true, terminal_reason: "aborted_streaming" });
  await vi.waitFor(() => expect(model.requests.at(-1)!.outcome).toBe("aborted"));
  expect(resultOf(await claude.turn(script([{ text: "Here again." }])))).toMatchObject({ result: "Here again." });
});

test("a cut line: the answer is asked for again and comes whole", async () => {
  await using claude = await startClaude(model);
  const text = "An answer that breaks in the middle.";
  const messages = await claude.turn(script([{ text, dropAfter: { deltas: 2, times: 1 } }]));
  expect(streamed(messages, "text_delta").join("|")).toBe(
    "An answer that b|reaks in the mid|An answer that b|reaks in the mid|dle.",
  );
  expect(blocks(messages, "assistant").map((block) => block.text)).toEqual([text]);
  expect(resultOf(messages)).toMatchObject({ is_error: false, result: text });
});

test("a line cut after a tool call: the tool runs, and the next step is played", async () => {
  await using claude = await startClaude(model);
  const tools = [{ name: "Bash", input: { command: "echo it-ran", description: "Run" } }];
  const messages = await claude.turn(script([{ tools, dropAfter: 1000 }, { text: "After the cut." }]));
  expect(blocks(messages, "user")).toContainEqual(expect.objectContaining({ content: "it-ran" }));
  expect(resultOf(messages)).toMatchObject({ is_error: false, result: "After the cut." });
});

test("the demo works with the real tools", async () => {
  await using demo = await startScriptedModel({ demo: true });
  await using claude = await startClaude(demo);
  for (const number of [1, 2]) {
    const messages = await claude.turn(`Message ${number}`);
    const results = blocks(messages, "user").filter((block) => block.type === "tool_result");
    expect(results.map((block) => block.is_error ?? false)).toEqual([false, false]);
    expect(await readFile(join(claude.cwd, `hello-${number}.md`), "utf8")).toContain(`> Message ${number}`);
    expect(resultOf(messages)).toMatchObject({ is_error: false, result: expect.stringMatching(/^Done\./) as string });
  }
});
