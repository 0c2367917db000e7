import type { FileEntry, SessionEvent } from "@hhopkins/agent-runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askedConversation } from "../testing/model-conversation.ts";
import { PICTURES } from "../testing/pictures.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";

let bench: RuntimeUnderTest;
beforeAll(async () => {
  bench = await startRuntime();
});
afterAll(() => bench[Symbol.asyncDispose]());

const MAKE = [
  "printf one > text.txt; printf gone > deleted.txt; mkdir -p bin empty; printf run > bin/tool; chmod 755 bin/tool",
  "ln -s text.txt link; head -c 300000 /dev/urandom > random.bin",
].join("; ");
const CHANGE = [
  "printf two > text.txt; rm deleted.txt; chmod 600 bin/tool; ln -sf random.bin link; rmdir empty",
  "head -c 1000 /dev/urandom > random.bin; printf new > added.txt",
].join("; ");

async function turnIds(id: string): Promise<string[]> {
  return (await logOf(bench, id)).flatMap((event) =>
    event.type === "session:turn:completed" ? [event.data.turnId] : [],
  );
}

/** Everything that tells one workspace from another. */
async function filesOf(id: string) {
  const { files } = (await (await bench.request("GET", `/sessions/${id}/files`)).json()) as { files: FileEntry[] };
  return files.map(({ path, type, mode, target, size, sha256 }) => ({ path, type, mode, target, size, sha256 }));
}

async function fork(id: string, body: object = {}) {
  const response = await bench.request("POST", `/sessions/${id}/fork`, body);
  const answer = (await response.json()) as { sessionId: string; error?: string; detail?: string; forkedFrom: object };
  return { status: response.status, ...answer };
}

async function rewind(id: string, turnId: string) {
  const response = await bench.request("POST", `/sessions/${id}/rewind`, { turnId });
  return { status: response.status, ...((await response.json()) as { error?: string; lastSeq?: number }) };
}

const types = (events: readonly SessionEvent[]) => events.map(({ type }) => type);

test("a fork has conversation and workspace of the turn that it names; after it both sides diverge", async () => {
  const id = await bench.create({ name: "origin", metadata: { mine: 1 }, sessionOptions: { model: "model-a" } });
  const first = await bench.turn(id, prompt("one", { tools: [bash(MAKE)] }, { text: "first answer" }));
  const filesThen = await filesOf(id);
  await bench.request("PATCH", `/sessions/${id}/options`, { model: "model-b" });
  await bench.turn(id, prompt("two", { tools: [bash(CHANGE)] }, { text: "second answer" }));
  const filesNow = await filesOf(id);
  const [t1 = "", t2 = ""] = await turnIds(id);

  const answer = await fork(id, { turnId: t1 });
  expect(answer).toMatchObject({
    status: 201,
    name: "origin",
    metadata: { mine: 1 },
    sessionOptions: { model: "model-a" },
    runtime: { isLoaded: false, sandbox: null },
    forkedFrom: { sessionId: id, turnId: t1 },
  });
  const copy = answer.sessionId;
  const state = await bench.state(copy);
  expect(state).toMatchObject({
    forkedFrom: answer.forkedFrom,
    turn: null,
    queue: [],
    sessionMetadata: { costUSD: 0 },
  });
  expect(state.blocks).toEqual(first.blocks);
  expect(state.workspaceFiles.map(({ path, content }) => [path, content])).toEqual(
    first.workspaceFiles.map(({ path, content }) => [path, content]),
  );
  expect(await filesOf(copy)).toEqual(filesThen);
  expect(filesThen).not.toEqual(filesNow);
  const log = await logOf(bench, copy);
  expect(log[0]).toMatchObject({ type: "session:created", data: { sessionId: copy, forkedFrom: { turnId: t1 } } });
  expect(types(log)).not.toContain("session:block:delta");

  const look = "cat text.txt deleted.txt; stat -c %a bin/tool; readlink link; ls -d empty; sha256sum random.bin";
  const forked = await bench.turn(copy, prompt("aside", { tools: [bash(look)] }, { text: "forked answer" }));
  const random = filesThen.find(({ path }) => path === "random.bin")?.sha256 ?? "";
  const seen = `onegone755\ntext.txt\nempty\n${random}  random.bin`;
  expect(askedConversation(bench.model, "aside")).toEqual([
    "user: one",
    "tool: Bash",
    expect.stringContaining("result: "),
    "assistant: first answer",
    "user: aside",
    "tool: Bash",
    `result: ${seen}`,
  ]);
  await bench.turn(
    copy,
    prompt("spoil", { tools: [bash("printf fork > text.txt; rm random.bin")] }, { text: "spoilt" }),
  );
  const went = await bench.turn(id, prompt("three", { tools: [bash("cat text.txt; ls")] }, { text: "third answer" }));
  const conversation = askedConversation(bench.model, "three");
  expect(conversation).toContain("assistant: second answer");
  expect(conversation.join("\n")).not.toMatch(/aside|spoil|forked/);
  expect(said(went)).toEqual(["first answer", "second answer", "third answer"]);
  expect(said(forked)).toEqual(["first answer", "forked answer"]);
  expect(await filesOf(id)).toEqual(filesNow);

  // A fork of a fork, at a turn of its own; then nothing of the others is needed any more.
  const [, aside = ""] = await turnIds(copy);
  const second = await fork(copy, { turnId: aside, name: "second", sessionOptions: { effort: "low" } });
  expect(second).toMatchObject({ status: 201, name: "second", sessionOptions: { model: "model-a", effort: "low" } });
  // Of what a fork came with it has the last turn's checkpoint alone.
  expect(await fork(copy, { turnId: t1 })).toMatchObject({ status: 201 });
  expect(await fork(second.sessionId, { turnId: t1 })).toMatchObject({ status: 409, error: "conflict" });
  expect(await fork(copy, { turnId: "start" })).toMatchObject({ status: 409, error: "conflict" });
  for (const gone of [id, copy]) expect((await bench.request("DELETE", `/sessions/${gone}`)).status).toBe(204);
  expect(await filesOf(second.sessionId)).toEqual(filesThen);
  await bench.turn(
    second.sessionId,
    prompt("last", { tools: [bash("cat text.txt; sha256sum random.bin")] }, { text: "done" }),
  );
  expect(askedConversation(bench.model, "last").slice(-5)).toEqual([
    `result: ${seen}`,
    "assistant: forked answer",
    "user: last",
    "tool: Bash",
    `result: one${random}  random.bin`,
  ]);
  expect(t2).not.toBe(t1);
});

test("what cannot be forked or rewound says why; a running turn does not stand in a fork's way", async () => {
  const id = await bench.create();
  const empty = await fork(id);
  expect(empty).toMatchObject({ status: 201, forkedFrom: { sessionId: id, turnId: "start" } });
  await bench.turn(id, prompt("one", { text: "first" }));
  const [t1 = ""] = await turnIds(id);
  await bench.send(id, prompt("talk", { text: "word ".repeat(500), chunk: 5, delayMs: 20 }));
  const { turn } = await bench.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  expect(await rewind(id, t1)).toMatchObject({ status: 409, error: "conflict" });
  expect(await fork(id, { turnId: turn?.turnId })).toMatchObject({ status: 409, error: "conflict" });
  const beside = await fork(id);
  expect(beside).toMatchObject({ status: 201, forkedFrom: { turnId: t1 } });
  expect(said(await bench.state(beside.sessionId))).toEqual(["first"]);
  await bench.request("POST", `/sessions/${id}/interrupt`);
  await bench.until(id, (state) => state.turn === null);
  // A turn that was interrupted has a checkpoint too.
  const stopped = await fork(id);
  expect(stopped).toMatchObject({ status: 201, forkedFrom: { turnId: turn?.turnId } });
  expect((await bench.state(stopped.sessionId)).blocks).toEqual((await bench.state(id)).blocks);

  expect(await fork(id, { turnId: "turn_nobody" })).toMatchObject({ status: 404, error: "turn_not_found" });
  expect(await rewind(id, "turn_nobody")).toMatchObject({ status: 404, error: "turn_not_found" });
  expect(await fork("nobody")).toMatchObject({ status: 404, error: "session_not_found" });
  expect(await rewind("nobody", t1)).toMatchObject({ status: 404, error: "session_not_found" });
  expect(await fork(id, { turn: t1 })).toMatchObject({ status: 400, error: "invalid_request" });
  expect(await rewind(id, "")).toMatchObject({ status: 400, error: "invalid_request" });
  // All of that did nothing.
  const after = await bench.turn(id, prompt("goes on", { text: "still here" }));
  expect(said(after).at(-1)).toBe("still here");
  await bench.turn(stopped.sessionId, prompt("both go on", { text: "here too" }));
  expect(askedConversation(bench.model, "both go on").slice(0, 3)).toEqual([
    "user: one",
    "assistant: first",
    "user: talk",
  ]);
});

test("what a message came with is the fork's too, for people and for the agent", async () => {
  const id = await bench.create();
  const attachments = [{ name: "dot.png", mediaType: "image/png", data: PICTURES.png }];
  const message = { messageId: "with-picture", attachments };
  expect((await bench.send(id, prompt("look at this", { text: "I see" }), message)).status).toBe(202);
  await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  const { sessionId: copy } = await fork(id);
  expect((await bench.request("DELETE", `/sessions/${id}`)).status).toBe(204);
  const kept = await bench.request("GET", `/sessions/${copy}/messages/with-picture/attachments/dot.png`);
  expect([kept.status, Buffer.from(await kept.arrayBuffer()).toString("base64")]).toEqual([200, PICTURES.png]);
  await bench.turn(copy, prompt("and again", { text: "Still" }));
  const request = bench.model.requests.findLast(({ body }) => JSON.stringify(body ?? null).includes("and again"));
  expect(JSON.stringify(request?.body)).toContain(PICTURES.png);
});
