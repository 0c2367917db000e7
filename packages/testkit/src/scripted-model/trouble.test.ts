import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { ScriptedModelRequest } from "./request-log.ts";
import { type ScriptedModel, startScriptedModel } from "./server.ts";
import { script } from "./step.ts";
import { ask, deltasOf, errorOf, parseEvents, textOf } from "./testing/exchange.ts";

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedModel();
});
afterAll(() => model.close());

const last = () => model.requests.at(-1)!;

/** Sends, and comes back when the model knows what to play. */
async function begin(
  send: () => Promise<Response>,
): Promise<{ answer: Promise<Response>; entry: ScriptedModelRequest }> {
  const before = last();
  const answer = send();
  answer.catch(() => {});
  await vi.waitFor(() => expect(last() !== before && last().played !== undefined).toBe(true));
  return { answer, entry: last() };
}

test("an error with all its fields", async () => {
  const error = { status: 429, type: "my_error", message: "Slow down.", retryAfter: 3 };
  const response = await ask(model, script([{ error }]));
  expect(response.headers.get("retry-after")).toBe("3");
  expect(await errorOf(response)).toEqual({ status: 429, type: "my_error", message: "Slow down." });
});

test.each([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [403, "permission_error"],
  [418, "invalid_request_error"],
  [429, "rate_limit_error"],
  [500, "api_error"],
  [503, "api_error"],
  [529, "overloaded_error"],
])("status %i is %s", async (status, type) => {
  const prompt = script([{ error: { status } }]);
  expect(await errorOf(await ask(model, prompt))).toMatchObject({ status, type });
  expect(await errorOf(await ask(model, prompt))).toMatchObject({ status, type });
});

test("an error for some tries, for each session on its own", async () => {
  const prompt = `for some ${script([{ error: { status: 529, times: 2 } }, { text: "now" }, { text: "then" }])}`;
  const statuses = async (session: string) => {
    const responses = [];
    for (let n = 0; n < 3; n++) responses.push(await ask(model, prompt, { session }));
    return responses.map((response) => response.status);
  };
  expect(await statuses("one")).toEqual([529, 529, 200]);
  expect(await statuses("two")).toEqual([529, 529, 200]);
  const next = [
    { role: "user", content: prompt },
    { role: "assistant", content: "now" },
    { role: "user", content: "and?" },
  ];
  expect(await textOf(await ask(model, next, { session: "one" }))).toBe("then");
});

test("an error for some tries before the same step's text", async () => {
  const prompt = `same step ${script([{ text: "first" }, { error: { status: 500, times: 1 }, text: "second" }])}`;
  expect(await textOf(await ask(model, prompt))).toBe("first");
  const next = [
    { role: "user", content: prompt },
    { role: "assistant", content: "first" },
    { role: "user", content: "?" },
  ];
  expect((await ask(model, next)).status).toBe(500);
  // A harness may add a line end to the prompt when it asks again.
  next[0]!.content += "\n";
  expect(await textOf(await ask(model, next))).toBe("second");
});

test("hang never answers, and ends when the client leaves", async () => {
  const leave = new AbortController();
  const { answer, entry } = await begin(() => ask(model, script([{ hang: true }]), { signal: leave.signal }));
  expect(entry.outcome).toBe("open");
  leave.abort();
  await expect(answer).rejects.toThrow();
  await vi.waitFor(() => expect(entry.outcome).toBe("aborted"));
});

test("hang for one try", async () => {
  const prompt = `once ${script([{ hang: { times: 1 }, text: "at last" }])}`;
  const leave = new AbortController();
  const { answer } = await begin(() => ask(model, prompt, { signal: leave.signal }));
  leave.abort();
  await expect(answer).rejects.toThrow();
  expect(await textOf(await ask(model, prompt))).toBe("at last");
});

test("delayMs: deltas come one by one, and its timer ends when the client leaves", async () => {
  const leave = new AbortController();
  const response = await ask(model, script([{ text: "first second", chunk: 6, delayMs: 600_000 }]), {
    signal: leave.signal,
  });
  const entry = last();
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  while (!seen.includes("content_block_delta")) seen += (await reader.read()).value;
  expect(deltasOf(parseEvents(seen))).toEqual([{ type: "text_delta", text: "first " }]);
  expect(entry.outcome).toBe("open");
  leave.abort();
  await vi.waitFor(() => expect(entry.outcome).toBe("aborted"));
});

test("firstMs: nothing comes before it", async () => {
  const leave = new AbortController();
  let answered = false;
  const send = () => ask(model, script([{ text: "late", firstMs: 600_000 }]), { signal: leave.signal });
  const { answer, entry } = await begin(() => send().finally(() => (answered = true)));
  await ask(model, script([{ text: "quick" }]));
  expect(answered).toBe(false);
  leave.abort();
  await expect(answer).rejects.toThrow();
  await vi.waitFor(() => expect(entry.outcome).toBe("aborted"));
});

test("firstMs and delayMs let the answer through in the end", async () => {
  const step = { text: "a b c", chunk: 2, firstMs: 2, delayMs: 2 };
  expect(await textOf(await ask(model, script([step])))).toBe("a b c");
  expect(await textOf(await ask(model, script([step]), { stream: false }))).toBe("a b c");
});

/** Reads until the connection breaks. */
async function readBroken(response: Response): Promise<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new RangeError("ended well");
      seen += value;
    }
  } catch (error) {
    if (error instanceof RangeError) throw error;
    return seen;
  }
}

test.each([
  [0, ["message_start", "ping"]],
  [1, ["message_start", "ping", "content_block_start", "content_block_delta"]],
  [2, ["message_start", "ping", "content_block_start", "content_block_delta", "content_block_delta"]],
  [
    9,
    [
      "message_start",
      "ping",
      "content_block_start",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
    ],
  ],
])("dropAfter %i", async (dropAfter, types) => {
  const response = await ask(model, script([{ text: "abcd", chunk: 2, dropAfter }]));
  const entry = last();
  const events = parseEvents(await readBroken(response));
  expect(events.map((event) => event.type)).toEqual(types);
  await vi.waitFor(() => expect(entry.outcome).toBe("dropped"));
});

test("dropAfter for one try, and for a whole answer", async () => {
  const prompt = `once ${script([{ text: "abcd", dropAfter: { deltas: 1, times: 1 } }])}`;
  await expect(ask(model, prompt, { stream: false })).rejects.toThrow();
  expect(await textOf(await ask(model, prompt))).toBe("abcd");
});
