import { expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, said } from "../testing/runtime-under-test.ts";
import { startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { turnEnds } from "../testing/session-log.ts";
import { modelAndFolder } from "../testing/model-and-folder.ts";

const at = modelAndFolder();

async function create(server: ServerProcess): Promise<string> {
  const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  return ((await (await server.request("POST", "/sessions/create", body)).json()) as { sessionId: string }).sessionId;
}

interface Outgoing {
  readonly content: string;
  readonly messageId?: string;
  readonly mode?: string;
  /** Its Idempotency-Key. */
  readonly key?: string;
}

/** What it was answered, or nothing where the server went meanwhile. */
async function send(server: ServerProcess, id: string, message: Outgoing): Promise<string | null> {
  const { key, ...body } = message;
  const headers = {
    authorization: `Bearer ${API_KEY}`,
    "content-type": "application/json",
    ...(key === undefined ? {} : { "idempotency-key": key }),
  };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`${server.url}/sessions/${id}/message`, request).catch(() => null);
  if (response === null) return null;
  const text = await response.text().catch(() => null);
  return text === null ? null : `${response.status} ${text}`;
}

const idle = (server: ServerProcess, id: string) =>
  server.until(id, ({ turn, queue }) => turn === null && queue.length === 0);

test.each(["a messageId", "an Idempotency-Key"])(
  "twenty at once with %s, into a server that is killed, and twenty more to the next one, are one message",
  async (kind) => {
    const options = { folder: at.folder, modelUrl: at.model.url };
    const content = prompt("once", { text: "only once" }, { text: "twice!" });
    const message = { content, ...(kind === "a messageId" ? { messageId: "same" } : { key: "same-key" }) };
    const first = await startServerProcess(options);
    const id = await create(first);
    const many = (server: ServerProcess) => Array.from({ length: 20 }, () => send(server, id, message));
    const before = many(first);
    // With the first answer out, others are under way.
    await Promise.race(before);
    await first.end("SIGKILL");
    await using second = await startServerProcess(options);
    const answers = [...(await Promise.all(before)), ...(await Promise.all(many(second)))];
    const given = new Set(answers.filter((answer) => answer !== null));
    expect([given.size, [...given][0]]).toEqual([1, expect.stringMatching(/^202 /)]);
    expect(answers.slice(20)).not.toContain(null);
    const state = await idle(second, id);
    expect(said(state)).toEqual(["only once"]);
    expect(state.blocks.filter(({ type }) => type === "user_message")).toHaveLength(1);
    expect(await turnEnds(second, id)).toEqual(["completed"]);
  },
);

test.each(["append:after:1", "append:after:2", "create:before"])(
  "the first message of a session, kept by a server that is killed at %s: the next one answers it, unasked",
  async (point) => {
    const options = { folder: at.folder, modelUrl: at.model.url };
    const server = await startServerProcess(options);
    const id = await create(server);
    await server.end("SIGTERM");
    const killed = await startServerProcess({ ...options, environment: { AGENT_RUNTIME_FAILPOINT: point } });
    await send(killed, id, { content: prompt("hello", { text: "answered" }) });
    await killed.exited;
    await using next = await startServerProcess(options);
    expect(said(await idle(next, id))).toEqual(["answered"]);
    expect(await turnEnds(next, id)).toEqual(["completed"]);
  },
);

test("the queue, its order, changes and modes are there after a kill; what was offered to the turn is taken once", async () => {
  const options = { folder: at.folder, modelUrl: at.model.url };
  const first = await startServerProcess(options);
  const id = await create(first);
  await send(first, id, {
    content: prompt("work", { tools: [bash("touch begun; sleep 9")] }, { text: "unheard" }),
    messageId: "work",
  });
  await first.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "begun"));
  for (const messageId of ["q1", "q2", "q3"]) {
    await send(first, id, { content: prompt(messageId, { text: `answer ${messageId}` }), messageId });
  }
  await first.request("PATCH", `/sessions/${id}/messages/q1`, { content: prompt("q1", { text: "edited q1" }) });
  await first.request("DELETE", `/sessions/${id}/messages/q2`);
  await send(first, id, { content: prompt("by-the-way", { text: "heard" }), messageId: "by-the-way", mode: "steer" });
  await first.end("SIGKILL");
  await using second = await startServerProcess(options);
  const done = await idle(second, id);
  expect(said(done)).toEqual(["heard", "edited q1", "answer q3"]);
  expect(done.blocks.flatMap((block) => (block.type === "user_message" ? [block.id] : []))).toEqual([
    "work",
    "by-the-way",
    "q1",
    "q3",
  ]);
  expect(await turnEnds(second, id)).toEqual(["completed", "completed", "completed"]);
});

test("a message that was to stop the turn of a server that was killed is next after it", async () => {
  const options = { folder: at.folder, modelUrl: at.model.url };
  const first = await startServerProcess(options);
  const id = await create(first);
  await send(first, id, { content: prompt("work", { tools: [bash("touch begun; sleep 600")] }), messageId: "work" });
  await first.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "begun"));
  await send(first, id, { content: prompt("q1", { text: "answer q1" }), messageId: "q1" });
  await send(first, id, {
    content: prompt("urgent", { text: "answer urgent" }),
    messageId: "urgent",
    mode: "interrupt",
  });
  await first.end("SIGKILL");
  await using second = await startServerProcess(options);
  expect(said(await idle(second, id))).toEqual(["answer urgent", "answer q1"]);
  expect(await turnEnds(second, id)).toEqual(["interrupted", "completed", "completed"]);
});
