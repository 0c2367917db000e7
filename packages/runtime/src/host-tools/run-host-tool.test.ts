import { expect, test } from "vitest";
import { z } from "zod";
import { callRate } from "./call-rate.ts";
import { createProgress } from "./progress.ts";
import { runHostTool } from "./run-host-tool.ts";
import { tool, type HostTool, type HostToolContext } from "./tool.ts";

const context: HostToolContext = {
  sessionId: "s",
  tenant: "default",
  agentProfileReference: "p",
  metadata: {},
  conversationId: "main",
  callId: "call_1",
  signal: new AbortController().signal,
  progress: () => undefined,
};
const thrown: unknown[] = [];
const ran = (given: HostTool, input: unknown = {}, signal = context.signal) =>
  runHostTool({
    name: "t",
    tool: given,
    input,
    context: { ...context, signal },
    onThrown: (error) => thrown.push(error),
  });
const of = (run: (input: unknown, context: HostToolContext) => unknown, more: object = {}): HostTool =>
  tool({ description: "d", input: z.looseObject({}), run, ...more });

test("a text is told as it is, everything else as JSON", async () => {
  expect(await ran(of(() => "plain"))).toEqual({ status: "success", content: "plain" });
  expect(await ran(of(async () => ({ a: [1] })))).toEqual({ status: "success", content: '{"a":[1]}' });
  expect(await ran(of(() => null))).toEqual({ status: "success", content: "null" });
  expect(await ran(of(() => undefined))).toEqual({ status: "success", content: "" });
});

test("the tool gets what its schema makes of the input; all that is wrong is named", async () => {
  const strict = tool({
    description: "d",
    input: z.object({
      id: z.string().transform((id) => id.toUpperCase()),
      lines: z.array(z.object({ n: z.number() })),
    }),
    run: ({ id, lines }) => `${id} ${lines.length}`,
  });
  expect(await ran(strict, { id: "a", lines: [{ n: 1 }] })).toEqual({ status: "success", content: "A 1" });
  const { status, content } = await ran(strict, { lines: [{ n: "one" }] });
  expect(status).toBe("error");
  expect(content).toMatch(/^The input of t is not valid\. id: .*; lines\.0\.n: /);
  expect((await ran(strict, "no object")).content).toMatch(/input: /);
});

test("whatever a tool does, there is a result", async () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  const results = await Promise.all([
    ran(of(() => Promise.reject(new Error("closed")))),
    ran(of(() => Promise.reject("a text"))),
    ran(of(() => circular)),
    ran(of(() => () => 1)),
    ran(of(() => "é".repeat(200_000))),
  ]);
  expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => "error"));
  expect(results.map(({ content }) => content)).toEqual([
    "The tool t failed: closed",
    "The tool t failed: a text",
    "The tool t ran, and answered with something that cannot be told as JSON.",
    "The tool t ran, and answered with something that cannot be told as JSON.",
    "The tool t ran, and its answer is too large: 400000 bytes, of at most 262144. Ask it for less.",
  ]);
  expect(thrown).toEqual([new Error("closed"), "a text"]);
});

test("one that does not answer in time is told that nobody waits, and what it says then is not heard", async () => {
  let signal: AbortSignal | undefined;
  const late = Promise.withResolvers<string>();
  const hangs = (more: object) =>
    of(
      (_input, about) => {
        signal = about.signal;
        return late.promise;
      },
      { timeoutMs: 10, ...more },
    );
  const ended = await ran(hangs({}));
  expect(ended).toEqual({
    status: "timeout",
    content:
      "The tool t did not answer within 0.01 s. What it has done by then is not known: find out before you call it again.",
  });
  expect(signal?.aborted).toBe(true);
  expect((await ran(hangs({ idempotent: true }))).content).toContain("It can be called again.");
  late.resolve("too late");
});

test("one that is cancelled ends at once, before it begins too", async () => {
  const cancel = new AbortController();
  const running = ran(
    of(() => new Promise(() => undefined)),
    {},
    cancel.signal,
  );
  cancel.abort();
  expect((await running).status).toBe("cancelled");
  expect(
    (
      await ran(
        of(() => "ran"),
        {},
        cancel.signal,
      )
    ).status,
  ).toBe("cancelled");
});

test("calls are taken in a burst, and then as many a second as are good for everybody", () => {
  let now = 0;
  const mayCall = callRate(() => now, 3, 2);
  const tries = (count: number): number => Array.from({ length: count }, mayCall).filter(Boolean).length;
  expect(tries(10)).toBe(3);
  now += 1000;
  expect(tries(10)).toBe(2);
  now += 1_000_000;
  expect(tries(10)).toBe(3);
  now -= 5000;
  expect(tries(1)).toBe(0);
});

test("of progress the first is shown at once and the last always, each cut to its bound, nothing after the end", async () => {
  const shown: string[] = [];
  const progress = createProgress(async (text) => void shown.push(text), 1_000_000);
  for (const text of ["one", "two", "x".repeat(5000)]) progress.say(text);
  await progress.end();
  progress.say("late");
  expect(shown).toEqual(["one", "x".repeat(1000)]);
  const quiet = createProgress(() => Promise.reject(new Error("the store is away")), 1);
  quiet.say("a");
  await quiet.end();
});
