import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { harnessOf, sandboxPid } from "../testing/processes.ts";
import { bash, prompt, TALK } from "../testing/prompts.ts";
import { said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

let bench: RuntimeUnderTest;
beforeAll(async () => {
  bench = await startRuntime();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A turn with a command that runs until `seconds` are over. Resolves when it runs. */
async function working(seconds: number): Promise<string> {
  const id = await bench.create();
  const steps = [{ tools: [bash(`touch begun; sleep ${seconds}`)] }, { text: "as planned" }];
  await bench.send(id, prompt("work", ...steps), { messageId: "work" });
  await bench.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "begun"));
  return id;
}

const idle = (id: string) => bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);

/** Ids of the messages of each turn, as its end says. */
async function turnMessages(id: string): Promise<(readonly string[])[]> {
  const log = await logOf(bench, id);
  return log.flatMap((event) => (event.type === "session:turn:completed" ? [event.data.messageIds] : []));
}

/** Types of the blocks that are complete, and the taking of a message, in the order of the log. */
async function story(id: string): Promise<string[]> {
  return (await logOf(bench, id)).flatMap((event) => {
    if (event.type === "session:message:taken") return [`taken ${event.data.messageId}`];
    return event.type === "session:block:complete" ? [event.data.block.type] : [];
  });
}

describe("mode steer", () => {
  test("the running turn takes it after its tool, its block stands there, and the turn's end names both", async () => {
    const id = await working(2);
    const sent = await bench.send(id, prompt("by the way", { text: "as you wish" }), {
      messageId: "steer",
      mode: "steer",
    });
    expect([sent.status, await sent.json()]).toEqual([
      202,
      expect.objectContaining({ messageId: "steer", position: 1 }),
    ]);
    expect((await bench.state(id)).queue).toEqual([expect.objectContaining({ messageId: "steer", mode: "steer" })]);
    const done = await idle(id);
    expect(said(done)).toEqual(["as you wish"]);
    expect(await story(id)).toEqual([
      "user_message",
      "tool_use",
      "tool_result",
      "taken steer",
      "user_message",
      "assistant_text",
    ]);
    expect(await turnMessages(id)).toEqual([["work", "steer"]]);
  });

  test("a turn that does not fold it in ends, and the message gets a turn of its own, in its place", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("talk", { text: "word ".repeat(40), chunk: 5, delayMs: 20 }), { messageId: "talk" });
    await bench.until(id, ({ streamingBlockIds }) => streamingBlockIds.length > 0);
    await bench.send(id, prompt("first", { text: "answer first" }), { messageId: "first" });
    await bench.send(id, prompt("then", { text: "answer then" }), { messageId: "then", mode: "steer" });
    const done = await idle(id);
    expect(said(done).slice(1)).toEqual(["answer first", "answer then"]);
    expect(await turnMessages(id)).toEqual([["talk"], ["first"], ["then"]]);
    expect((await story(id)).filter((line) => line.startsWith("taken"))).toEqual([]);
  });

  test("without a running turn it is a message like any other; while a sandbox starts it is for that turn", async () => {
    const id = await bench.create();
    const steps = [{ tools: [bash("sleep 1")] }, { text: "as planned" }];
    await bench.send(id, prompt("work", ...steps), { messageId: "work", mode: "steer" });
    await bench.send(id, prompt("early", { text: "heard early" }), { messageId: "early", mode: "steer" });
    expect(said(await idle(id))).toEqual(["heard early"]);
    expect(await turnMessages(id)).toEqual([["work", "early"]]);
  });

  test("it can be changed and withdrawn until the turn takes it, and not afterwards", async () => {
    const id = await working(3);
    const path = `/sessions/${id}/messages`;
    for (const messageId of ["gone", "kept"]) {
      await bench.send(id, prompt(messageId, { text: `${messageId} as sent` }), { messageId, mode: "steer" });
    }
    const answers = await Promise.all([
      bench.request("DELETE", `${path}/gone`),
      bench.request("PATCH", `${path}/kept`, { content: prompt("kept", { text: "an early change" }) }),
      bench.request("PATCH", `${path}/kept`, { content: prompt("kept", { text: "the last change" }) }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204]);
    const done = await idle(id);
    expect(said(done)).toEqual(["the last change"]);
    expect(await turnMessages(id)).toEqual([["work", "kept"]]);
    expect(bench.model.requests.some(({ body }) => JSON.stringify(body ?? null).includes("gone as sent"))).toBe(false);
    const late = await bench.request("DELETE", `${path}/kept`);
    expect([late.status, await late.json()]).toEqual([404, expect.objectContaining({ error: "message_not_found" })]);
  });

  test("changes that race with the taking: whoever wins, what the log says is what the agent was told", async () => {
    const id = await working(1);
    await bench.send(id, prompt("race", { text: "version 0" }), { messageId: "race", mode: "steer" });
    let last = 0;
    for (let version = 1; version < 200; version++) {
      const content = prompt("race", { text: `version ${version}` });
      const { status } = await bench.request("PATCH", `/sessions/${id}/messages/race`, { content });
      if (status === 404) break;
      expect(status).toBe(204);
      last = version;
    }
    const done = await idle(id);
    expect(last).toBeGreaterThan(0);
    expect(said(done)).toContain(`version ${last}`);
    expect(done.blocks.filter((block) => block.type === "user_message" && block.id === "race")).toEqual([
      expect.objectContaining({ content: prompt("race", { text: `version ${last}` }) }),
    ]);
  });

  test.each(["is interrupted", "loses its agent"])("of a turn that %s it is not lost", async (how) => {
    const id = await working(600);
    await bench.send(id, prompt("patient", { text: "after all" }), { messageId: "patient", mode: "steer" });
    if (how === "is interrupted") expect((await bench.request("POST", `/sessions/${id}/interrupt`)).status).toBe(204);
    else process.kill(harnessOf(await sandboxPid(bench.dataDir, `${id}-1`)).pid, "SIGKILL");
    const done = await idle(id);
    expect(said(done)).toEqual(["after all"]);
    expect(await turnMessages(id)).toEqual([["work"], ["patient"]]);
    expect(await turnEnds(bench, id)).toEqual([
      how === "is interrupted" ? "interrupted" : "failed harness_failed",
      "completed",
    ]);
  });
});

describe("mode interrupt", () => {
  test("stops the turn and is next; the others keep their order", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("talk", TALK), { messageId: "talk" });
    await bench.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
    for (const messageId of ["q1", "q2"])
      await bench.send(id, prompt(messageId, { text: `answer ${messageId}` }), { messageId });
    const urgent = prompt("urgent", { text: "answer urgent" });
    const sent = await bench.send(id, urgent, { messageId: "urgent", mode: "interrupt" });
    expect(await sent.json()).toMatchObject({ messageId: "urgent", position: 1 });
    const again = await bench.send(id, urgent, { messageId: "urgent", mode: "interrupt" });
    expect(await again.json()).toMatchObject({ messageId: "urgent", position: 1 });
    const done = await idle(id);
    expect(said(done).slice(1)).toEqual(["answer urgent", "answer q1", "answer q2"]);
    expect(await turnEnds(bench, id)).toEqual(["interrupted", "completed", "completed", "completed"]);
  });

  test("two of them run in the order in which they came, and the second stops only what ran when it came", async () => {
    const id = await working(600);
    for (const messageId of ["i1", "i2"]) {
      await bench.send(id, prompt(messageId, { text: `answer ${messageId}` }), { messageId, mode: "interrupt" });
    }
    expect(said(await idle(id))).toEqual(["answer i1", "answer i2"]);
    expect(await turnEnds(bench, id)).toEqual(["interrupted", "completed", "completed"]);
  });

  test("without a running turn it is a message like any other; another mode is refused", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("only", { text: "said" }), { mode: "interrupt" });
    expect(said(await idle(id))).toEqual(["said"]);
    const refused = await bench.send(id, "hello", { mode: "shout" });
    expect([refused.status, await refused.json()]).toEqual([400, expect.objectContaining({ field: "body.mode" })]);
  });
});
