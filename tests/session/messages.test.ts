import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bash, prompt, TALK } from "../testing/prompts.ts";
import { errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { turnEnds } from "../testing/session-log.ts";

let bench: RuntimeUnderTest;
beforeAll(async () => {
  bench = await startRuntime();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A session with a sandbox that is ready. */
async function warm(): Promise<string> {
  const id = await bench.create();
  await bench.turn(id, prompt("warm up", { text: "warm" }));
  return id;
}

/** Starts a turn that streams for a long time, and waits until some of it is there. */
async function busy(id: string): Promise<void> {
  expect((await bench.send(id, prompt("talk", TALK))).status).toBe(202);
  await bench.until(
    id,
    (state) => state.streamingBlockIds.length > 0 && said(state).at(-1)?.includes("word word") === true,
  );
}

async function interrupt(id: string): Promise<void> {
  expect((await bench.request("POST", `/sessions/${id}/interrupt`)).status).toBe(204);
}

describe("the same message again", () => {
  test("twenty at once with one messageId are one message with one answer", async () => {
    const id = await bench.create();
    const content = prompt("once", { text: "only once" }, { text: "twice!" });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const response = await bench.send(id, content, { messageId: "same" });
        return `${response.status} ${await response.text()}`;
      }),
    );
    expect(new Set(answers)).toEqual(
      new Set([`202 ${JSON.stringify({ success: true, sessionId: id, messageId: "same" })}`]),
    );
    const state = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect(said(state)).toEqual(["only once"]);
    const again = await bench.send(id, content, { messageId: "same" });
    expect([again.status, await again.json()]).toEqual([202, { success: true, sessionId: id, messageId: "same" }]);
    const other = await bench.send(id, "something else", { messageId: "same" });
    expect([other.status, await other.json()]).toEqual([
      409,
      expect.objectContaining({ error: "conflict", field: "body.messageId" }),
    ]);
    expect((await bench.state(id)).blocks.filter(({ type }) => type === "user_message")).toHaveLength(1);
  });

  test("an Idempotency-Key is one message, also after an unload; with another content it conflicts", async () => {
    const id = await bench.create();
    const send = (content: string, body: object = {}) =>
      bench.request("POST", `/sessions/${id}/message`, { content, ...body }, { "idempotency-key": "key-1" });
    const content = prompt("keyed", { text: "once" });
    const answers = await Promise.all(
      Array.from({ length: 5 }, async () => (await send(content)).json() as Promise<{ messageId: string }>),
    );
    expect(new Set(answers.map(({ messageId }) => messageId)).size).toBe(1);
    await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
    expect(await (await send(content)).json()).toEqual(answers[0]);
    expect((await send("another")).status).toBe(409);
    expect((await send(content, { messageId: "not-that-one" })).status).toBe(409);
    const state = await bench.state(id);
    expect(said(state)).toEqual(["once"]);
    expect([state.turn, state.queue]).toEqual([null, []]);
  });

  test("a message to a session that is not there", async () => {
    const response = await bench.send("no-such-session", "hello");
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({ error: "session_not_found" }),
    ]);
    for (const route of ["interrupt", "sync", "unload"]) {
      expect((await bench.request("POST", `/sessions/no-such-session/${route}`)).status).toBe(404);
    }
  });
});

describe("messages during a turn", () => {
  test("queue in order, can be changed and withdrawn until a turn takes them", async () => {
    const id = await warm();
    await busy(id);
    const positions: unknown[] = [];
    for (const name of ["q1", "q2", "q3"]) {
      const response = await bench.send(id, prompt(name, { text: `answer ${name}` }), { messageId: name });
      positions.push(((await response.json()) as { position?: number }).position);
    }
    expect(positions).toEqual([1, 2, 3]);
    const path = `/sessions/${id}/messages`;
    expect((await bench.request("PATCH", `${path}/q1`, { content: prompt("q1", { text: "edited" }) })).status).toBe(
      204,
    );
    expect((await bench.request("DELETE", `${path}/q2`)).status).toBe(204);
    const waiting = await bench.state(id);
    expect(waiting.queue.map(({ messageId }) => messageId)).toEqual(["q1", "q3"]);
    expect(waiting.queue[0]?.content).toContain("edited");
    // The answer of a message stays the one that it had first.
    const again = await bench.send(id, prompt("q3", { text: "answer q3" }), { messageId: "q3" });
    expect(await again.json()).toMatchObject({ messageId: "q3", position: 3 });

    await interrupt(id);
    const done = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect(said(done).slice(-2)).toEqual(["edited", "answer q3"]);
    expect(done.blocks.flatMap((block) => (block.type === "user_message" ? [block.id] : [])).slice(-2)).toEqual([
      "q1",
      "q3",
    ]);
    for (const name of ["q1", "q2", "never"]) {
      const refused = await bench.request("DELETE", `${path}/${name}`);
      expect([refused.status, await refused.json()]).toEqual([
        404,
        expect.objectContaining({ error: "message_not_found" }),
      ]);
      expect((await bench.request("PATCH", `${path}/${name}`, { content: "late" })).status).toBe(404);
    }
    expect(await turnEnds(bench, id)).toEqual(["completed", "interrupted", "completed", "completed"]);
  });
});

describe("interrupt", () => {
  test("in the middle of a text: what was said stays, and the session goes on", async () => {
    const id = await warm();
    await busy(id);
    await interrupt(id);
    const stopped = await bench.until(id, ({ turn }) => turn === null);
    expect(stopped.streamingBlockIds).toEqual([]);
    expect(said(stopped).at(-1)).toMatch(/^(word )+/);
    expect(errors(stopped)).toEqual([]);
    const after = await bench.turn(id, prompt("next", { text: "still here" }));
    expect(said(after).at(-1)).toBe("still here");
    expect(after.runtime.sandbox).toMatchObject({ status: "ready", restartCount: 0 });
    expect(await turnEnds(bench, id)).toEqual(["completed", "interrupted", "completed"]);
  });

  test("in the middle of a command: the command ends, its block says so, and the session goes on", async () => {
    const id = await warm();
    await bench.send(
      id,
      prompt("run", { tools: [bash("touch begun; sleep 600; touch ended")] }, { text: "never said" }),
    );
    await bench.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "begun"));
    await interrupt(id);
    const stopped = await bench.until(id, ({ turn }) => turn === null);
    const tool = stopped.blocks.find((block) => block.type === "tool_use");
    expect(tool).toMatchObject({ status: "error" });
    expect(said(stopped)).not.toContain("never said");
    const after = await bench.turn(
      id,
      prompt("look", { tools: [bash("cat /proc/[0-9]*/comm | grep -cx sleep || true")] }, { text: "looked" }),
    );
    const results = after.blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : []));
    expect(results.at(-1)).toBe("0");
    expect(said(after).at(-1)).toBe("looked");
    expect(await turnEnds(bench, id)).toEqual(["completed", "interrupted", "completed"]);
  });

  test("while the sandbox is starting: that turn never runs, the next one does", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("first", { text: "must not be said" }));
    await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "starting");
    await interrupt(id);
    const stopped = await bench.until(id, ({ turn }) => turn === null);
    expect(stopped.runtime.sandbox?.status).toBe("starting");
    const after = await bench.turn(id, prompt("second", { text: "said" }));
    expect(said(after)).toEqual(["said"]);
    expect(after.runtime.sandbox).toMatchObject({ status: "ready", restartCount: 0 });
    expect(await turnEnds(bench, id)).toEqual(["interrupted", "completed"]);
  });

  test("of an idle session does nothing, loaded or not", async () => {
    const cold = await bench.create();
    const before = await bench.state(cold);
    await interrupt(cold);
    expect(await bench.state(cold)).toEqual(before);
    const id = await warm();
    const idle = await bench.state(id);
    await interrupt(id);
    expect(await bench.state(id)).toEqual(idle);
    expect(said(await bench.turn(id, prompt("go on", { text: "on" }))).at(-1)).toBe("on");
  });
});

test("changed options reach the model, in a running harness and in a new one", async () => {
  const id = await bench.create({ sessionOptions: { model: "claude-first" } });
  const modelOf = (marker: string) =>
    bench.model.requests.findLast(({ body }) => JSON.stringify(body ?? null).includes(marker))?.model;
  await bench.turn(id, prompt("options-one", { text: "1" }));
  expect(modelOf("options-one")).toBe("claude-first");
  expect((await bench.request("PATCH", `/sessions/${id}/options`, { model: "claude-second" })).status).toBe(204);
  const state = await bench.turn(id, prompt("options-two", { text: "2" }));
  expect(state.sessionOptions).toEqual({ model: "claude-second" });
  expect(modelOf("options-two")).toBe("claude-second");
  await bench.request("POST", `/sessions/${id}/unload`);
  await bench.request("PATCH", `/sessions/${id}/options`, { model: "claude-third" });
  await bench.turn(id, prompt("options-three", { text: "3" }));
  expect(modelOf("options-three")).toBe("claude-third");
});
