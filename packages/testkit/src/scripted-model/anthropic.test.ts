import { afterAll, beforeAll, expect, test } from "vitest";
import { type ScriptedModel, startScriptedModel } from "./server.ts";
import { script } from "./step.ts";
import { ask, deltasOf, eventsOf, textOf } from "./testing/exchange.ts";

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());

const last = () => model.requests.at(-1)!;

test("a streamed answer: thinking, text, tools, in Anthropic's events", async () => {
  const steps = [
    {
      tools: [{ name: "Write", input: { path: "a", text: "b" } }, { name: "Read" }],
      text: "I write a file now.",
      thinking: "A file it is.",
      usage: { input: 7, output: 8, cacheRead: 9, cacheWrite: 1 },
    },
  ];
  const response = await ask(model, `x ${script(steps)}`);
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const events = await eventsOf(response);
  const usage = { input_tokens: 7, output_tokens: 8, cache_read_input_tokens: 9, cache_creation_input_tokens: 1 };
  const toolId = expect.stringMatching(/^toolu_[0-9a-f]{32}$/) as string;
  const delta = (index: number, value: object) => ({ type: "content_block_delta", index, delta: value });
  expect(events).toEqual([
    {
      type: "message_start",
      message: {
        id: expect.stringMatching(/^msg_[0-9a-f]{32}$/) as string,
        type: "message",
        role: "assistant",
        model: "some-model",
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...usage, output_tokens: 1 },
      },
    },
    { type: "ping" },
    { type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "", signature: "" } },
    delta(0, { type: "thinking_delta", thinking: "A file it is." }),
    delta(0, { type: "signature_delta", signature: expect.any(String) as string }),
    { type: "content_block_stop", index: 0 },
    { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
    delta(1, { type: "text_delta", text: "I write a file n" }),
    delta(1, { type: "text_delta", text: "ow." }),
    { type: "content_block_stop", index: 1 },
    {
      type: "content_block_start",
      index: 2,
      content_block: { type: "tool_use", id: toolId, name: "Write", input: {} },
    },
    delta(2, { type: "input_json_delta", partial_json: '{"path":"a","tex' }),
    delta(2, { type: "input_json_delta", partial_json: 't":"b"}' }),
    { type: "content_block_stop", index: 2 },
    { type: "content_block_start", index: 3, content_block: { type: "tool_use", id: toolId, name: "Read", input: {} } },
    delta(3, { type: "input_json_delta", partial_json: "{}" }),
    { type: "content_block_stop", index: 3 },
    { type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage },
    { type: "message_stop" },
  ]);
});

test("a whole answer, with ids of its own", async () => {
  const prompt = script([{ thinking: "Hm.", text: "Yes.", tools: [{ name: "Bash", input: { command: "ls" } }] }]);
  const [one, two] = await Promise.all([ask(model, prompt, { stream: false }), ask(model, prompt, { stream: false })]);
  const body = (await one.json()) as { id: string; content: { id?: string }[] };
  expect(body).toEqual({
    id: expect.stringMatching(/^msg_/) as string,
    type: "message",
    role: "assistant",
    model: "some-model",
    content: [
      { type: "thinking", thinking: "Hm.", signature: expect.any(String) as string },
      { type: "text", text: "Yes." },
      { type: "tool_use", id: expect.stringMatching(/^toolu_/) as string, name: "Bash", input: { command: "ls" } },
    ],
    stop_reason: "tool_use",
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
  });
  const other = (await two.json()) as typeof body;
  expect(other.id).not.toBe(body.id);
  expect(other.content[2]!.id).not.toBe(body.content[2]!.id);
});

test("chunk cuts by characters, not through them", async () => {
  const events = await eventsOf(await ask(model, script([{ text: "a😀b😀c", chunk: 2 }])));
  expect(deltasOf(events)).toEqual(["a😀", "b😀", "c"].map((text) => ({ type: "text_delta", text })));
});

test("an empty text is a block without deltas", async () => {
  const events = await eventsOf(await ask(model, script([{ text: "" }])));
  expect(events.map((event) => event.type)).toEqual([
    "message_start",
    "ping",
    "content_block_start",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  expect(events.at(-2)).toMatchObject({ delta: { stop_reason: "end_turn" } });
});

test("each turn plays its step, and what is used up says so", async () => {
  const first = { role: "user", content: script([{ text: "one" }, { text: "two" }]) };
  const said = (content: string) => ({ role: "assistant", content });
  expect(await textOf(await ask(model, [first]))).toBe("one");
  expect(last().played).toEqual({ kind: "step", index: 0, of: 2 });
  const second = [first, said("one"), { role: "user", content: "and?" }];
  expect(await textOf(await ask(model, second))).toBe("two");
  expect(last().played).toEqual({ kind: "step", index: 1, of: 2 });
  const third = [...second, said("two"), { role: "user", content: "and?" }];
  expect(await textOf(await ask(model, third, { tools: ["Read"] }))).toMatch(/used up/);
  expect(last().played).toEqual({ kind: "canned" });
});

test("a tool's result carries no script, but a message that the harness put there does", async () => {
  const result = (content: unknown) => ({
    role: "user",
    content: [{ type: "tool_result", tool_use_id: "t", content }],
  });
  const conversation = (content: unknown) => [
    { role: "user", content: [{ type: "text", text: script([{ tools: [{ name: "Read" }] }, { text: "mine" }]) }] },
    { role: "assistant", content: [{ type: "tool_use", id: "t", name: "Read", input: {} }] },
    result(content),
  ];
  const theirs = script([{ text: "theirs" }]);
  expect(await textOf(await ask(model, conversation(theirs)))).toBe("mine");
  expect(await textOf(await ask(model, conversation([{ type: "text", text: theirs }])))).toBe("mine");
  const steered = `ran\n\n<system-reminder>\nThe user sent a new message while you were working:\nhey ${theirs}\n</system-reminder>`;
  expect(await textOf(await ask(model, conversation(steered)))).toBe("theirs");
  expect(await textOf(await ask(model, conversation([{ type: "text", text: steered }])))).toBe("theirs");
  const bySystem = (text: string) => [...conversation("ran"), { role: "system", content: [{ type: "text", text }] }];
  const told = `The user sent a new message while you were working:\nhey ${theirs}\n\nAddress it.`;
  expect(await textOf(await ask(model, bySystem(told)))).toBe("theirs");
  expect(await textOf(await ask(model, bySystem(`Remember: ${theirs}`)))).toBe("mine");
});

test("without a script it says how to write one, and shortly where no tools are offered", async () => {
  expect(await textOf(await ask(model, "hello", { tools: ["Read"] }))).toMatch(/^This is the scripted model/);
  expect(await textOf(await ask(model, "a title, please", { stream: false }))).toBe("Scripted session");
});
