import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { gatewayScene, IDENTITY } from "./testing/gateway-scene.ts";

const KEY = { "x-api-key": IDENTITY.token };
const usage = ([inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens]: [number, number, number, number]) => ({
  inputTokens,
  outputTokens,
  cacheReadTokens,
  cacheWriteTokens,
  thinkingTokens: 0,
  totalTokens: inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens,
});

const event = (data: { type: string }): string => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
const START = event({
  type: "message_start",
  message: {
    model: "claude-test",
    usage: { input_tokens: 10, cache_read_input_tokens: 3, cache_creation_input_tokens: 4, output_tokens: 1 },
  },
} as { type: string });
const DELTA = event({ type: "message_delta", usage: { output_tokens: 25 } } as { type: string });
const STOP = event({ type: "message_stop" });
const TALK = event({ type: "content_block_delta", delta: { text: 'says "usage" ü' } } as { type: string });

/** A model that says these pieces, and what the gateway counted. */
async function countOf(pieces: readonly (string | Buffer)[], headers: Record<string, string>, cut = false) {
  const asked: unknown[] = [];
  await using model = await gatewayScene();
  const port = await model.http((request, response) => {
    asked.push(request.headers["accept-encoding"]);
    response.writeHead(200, headers);
    const say = async (): Promise<void> => {
      for (const piece of pieces) await new Promise((resolve) => response.write(piece, resolve));
      if (cut) response.destroy();
      else response.end();
    };
    void say();
  });
  await using scene = await gatewayScene({
    credentials: () => ({ baseUrl: `http://127.0.0.1:${port}`, apiKey: "real" }),
  });
  const answer = await scene.call("/v1/messages", { method: "POST", headers: { ...KEY, "accept-encoding": "gzip" } });
  const said = await text(answer).catch(() => "cut");
  const settled = (): boolean => scene.logged.length === 1;
  await expect.poll(settled).toBe(true);
  return { uses: scene.uses, said, asked };
}

const STREAM = { "content-type": "text/event-stream; charset=utf-8" };
const JSON_BODY = { "content-type": "application/json" };

test("a streamed answer: what its start and its end say, the later figure counts, once", async () => {
  const { uses, said, asked } = await countOf([START, TALK, DELTA, STOP], STREAM);
  expect(uses).toEqual([{ requests: 1, model: "claude-test", usage: usage([10, 25, 3, 4]) }]);
  expect(said).toBe(START + TALK + DELTA + STOP);
  expect(asked).toEqual(["identity"]);
});

test("however the stream is cut into pieces, through characters too", async () => {
  const whole = Buffer.from(START + TALK + DELTA + STOP);
  const pieces = Array.from({ length: Math.ceil(whole.length / 7) }, (_, index) =>
    whole.subarray(index * 7, index * 7 + 7),
  );
  const { uses } = await countOf(pieces, STREAM);
  expect(uses).toEqual([{ requests: 1, model: "claude-test", usage: usage([10, 25, 3, 4]) }]);
});

test("an answer that is broken off counts as far as it came", async () => {
  const { uses, said } = await countOf([START, TALK], STREAM, true);
  expect([uses, said]).toEqual([[{ requests: 1, model: "claude-test", usage: usage([10, 1, 3, 4]) }], "cut"]);
});

test("an answer in one piece", async () => {
  const body = JSON.stringify({ model: "claude-test", content: "x", usage: { input_tokens: 7, output_tokens: 2 } });
  const { uses } = await countOf([body.slice(0, 20), body.slice(20)], JSON_BODY);
  expect(uses).toEqual([{ requests: 1, model: "claude-test", usage: usage([7, 2, 0, 0]) }]);
});

test.each([
  ["an error", ['{"type":"error"}'], JSON_BODY],
  ["no JSON", ["<html>"], JSON_BODY],
  ["figures that are none", ['{"usage":"much"}'], JSON_BODY],
  ["a stream of something else", ["data: {\n\n", 'data: {"usage":1}\n\n', 'data: [1,"usage"]\n\n'], STREAM],
  ["a line without an end", [`data: ${"x".repeat(9 * 1024 * 1024)}`], STREAM],
  ["a picture", ["\u0000"], { "content-type": "image/png" }],
  ["what is packed", [START], { ...STREAM, "content-encoding": "gzip" }],
])("%s counts nothing, and comes through", async (_name, pieces, headers) => {
  const { uses, said } = await countOf(pieces, headers);
  expect([uses, said]).toEqual([[], pieces.join("")]);
});

test("figures that are wrong count as nothing, the others count", async () => {
  const { uses } = await countOf(
    ['{"usage":{"input_tokens":-5,"output_tokens":3.5,"cache_read_input_tokens":2}}'],
    JSON_BODY,
  );
  expect(uses).toEqual([{ requests: 1, usage: usage([0, 0, 2, 0]) }]);
});
