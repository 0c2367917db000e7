import { DEFAULT_PROFILE } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { faultyPersistence, type FaultyPersistence } from "../testing/faulty-store.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { API_KEY, errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

const WORDS = "word ".repeat(300);
/** Some 100 KB, which the runner says in 10,000 pieces of more than 100 bytes each. */
const BOOK = `${"0123456789".repeat(20)}\n`.repeat(500);

let dataDir: string;
let store: FaultyPersistence;
let bench: RuntimeUnderTest;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  store = faultyPersistence(sqlitePersistence({ file: join(dataDir, "test.db") }));
  bench = await startRuntime({ persistence: store.adapter, persistenceTimeoutMs: 300 }, { dataDir });
});
afterEach(() => {
  store.lie = "none";
  store.failure = undefined;
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await bench.model.close();
  await rm(dataDir, { recursive: true, force: true });
});

const isOver = ({ turn, queue }: { turn: unknown; queue: readonly unknown[] }): boolean =>
  turn === null && queue.length === 0;

/** The log has no hole, and a client that was never there before folds it into the server's state. */
async function expectWhole(id: string, bench: RuntimeUnderTest): Promise<void> {
  const { lastSeq } = await bench.state(id);
  const events = await logOf(bench, id);
  expect(events.at(-1)?.seq).toBe(lastSeq);
  expect(new Set(events.map(({ seq }) => seq)).size).toBe(events.length);
}

const asked = (text: string): number =>
  bench.model.requests.filter(({ body }) => JSON.stringify(body ?? null).includes(text)).length;

test.each(["denied", "silent"] as const)(
  "writes that are %s although they are kept: nothing is lost and nothing doubled",
  async (lie) => {
    const id = await bench.create();
    await bench.turn(id, prompt("warm", { text: "warm" }));
    await bench.send(
      id,
      prompt(`talk-${lie}`, { tools: [bash("echo once >> ledger.txt")] }, { text: WORDS, chunk: 10, delayMs: 5 }),
    );
    await bench.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
    const before = store.lies;
    store.lie = lie;
    await expect.poll(() => store.lies, { timeout: 20_000 }).toBeGreaterThan(before + 2);
    // With an id or without: it is one message.
    const answers = await Promise.all([
      bench.send(id, prompt("first-more", { text: "one" }), { messageId: `m-${lie}` }),
      bench.send(id, prompt("second-more", { text: "two" })),
    ]);
    store.lie = "none";
    for (const [index, answer] of answers.entries()) {
      expect([202, 503]).toContain(answer.status);
      if (answer.status === 503 && index === 0) {
        await expect
          .poll(
            async () => (await bench.send(id, prompt("first-more", { text: "one" }), { messageId: `m-${lie}` })).status,
            { timeout: 20_000 },
          )
          .toBe(202);
      }
    }
    const done = await bench.until(id, isOver);
    // Who sends without an id and is told to send again does not know; but it never runs twice.
    const second = said(done).filter((text) => text === "two").length;
    expect([answers[1]?.status === 202 ? 1 : 0, 1]).toContain(second);
    expect(
      said(done)
        .filter((text) => text !== "two")
        .toSorted(),
    ).toEqual(["warm", WORDS, "one"].toSorted());
    expect(errors(done)).toEqual([]);
    expect(done.workspaceFiles).toMatchObject([{ path: "ledger.txt", content: "once\n" }]);
    expect(await turnEnds(bench, id)).toEqual(said(done).map(() => "completed"));
    await expectWhole(id, bench);
    expect(
      bench.logs.some(({ message, detail }) => /more of a session/.test(message) && detail["sessionId"] === id),
    ).toBe(true);
  },
);

test("a message that was kept although its write failed is answered as kept, and runs once", async () => {
  const id = await bench.create();
  store.lie = "denied";
  const answer = bench.send(id, prompt("kept-after-all", { text: "once" }));
  await expect.poll(() => store.lies).toBeGreaterThan(0);
  store.lie = "none";
  expect((await answer).status).toBe(202);
  expect(said(await bench.until(id, (state) => isOver(state) && state.blocks.length > 0))).toEqual(["once"]);
  expect(asked("kept-after-all")).toBe(1);
});

test("a store that answers nothing: refused at once, readiness says since when, followers are told, and it goes on", async () => {
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const attached = bench.runtime.createWebSocketServer(http);
  const socket = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`, {
    headers: { "x-api-key": API_KEY },
  });
  const frames: { event?: string; seq?: number; data: Record<string, unknown> }[] = [];
  socket.on("message", (data: Buffer) => frames.push(JSON.parse(data.toString()) as (typeof frames)[number]));
  await once(socket, "open");

  const id = await bench.create();
  socket.send(JSON.stringify({ id: 1, event: "session:join", data: { sessionId: id } }));
  await bench.send(id, prompt("talk", { text: WORDS, chunk: 10, delayMs: 10 }));
  await bench.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  const began = Date.now();
  store.lie = "stuck";
  await expect
    .poll(() => frames.filter(({ event }) => event === "error"))
    .toMatchObject([
      { data: { sessionId: id, code: "persistence_unavailable", message: expect.stringContaining("cannot be saved") } },
    ]);
  expect(frames.find(({ event }) => event === "error")).not.toHaveProperty("seq");
  const refused = await bench.send(id, prompt("meanwhile", { text: "no" }));
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
  const ready = await bench.request("GET", "/ready");
  const { checks } = (await ready.json()) as { checks: { persistence: string } };
  const since = Date.parse(/did not answer .*\(since (.*)\)$/.exec(checks.persistence)?.[1] ?? "");
  expect([ready.status, since >= began, since <= Date.now()]).toEqual([503, true, true]);

  store.lie = "none";
  const done = await bench.until(id, isOver);
  expect([said(done), errors(done)]).toEqual([[WORDS], []]);
  await expectWhole(id, bench);
  await expect.poll(async () => (await bench.request("GET", "/ready")).status).toBe(200);
  await expect.poll(() => frames.findLast(({ seq }) => seq !== undefined)?.seq).toBe(done.lastSeq);
  socket.close();
  await attached.close();
  http.close();
});

/** Waits until a request would have to wait for more than is allowed, with requests that change nothing. */
async function untilFull(bench: RuntimeUnderTest, id: string): Promise<void> {
  const ask = async (): Promise<number> => {
    const answer = bench.request("PATCH", `/sessions/${id}/options`, {});
    return Promise.race([
      answer.then(({ status }) => status),
      new Promise<number>((resolve) => setTimeout(() => resolve(0), 50)),
    ]);
  };
  await expect.poll(ask, { timeout: 20_000 }).toBe(503);
}

test.each([
  ["maxUnsavedBytesPerSession", { maxUnsavedBytesPerSession: 300_000 }],
  ["maxUnsavedBytes", { maxUnsavedBytes: 300_000 }],
])(
  "%s: while a store is slow the rest waits in the sandbox, and comes byte for byte afterwards",
  async (_name, bound) => {
    const folder = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
    const slow = faultyPersistence(sqlitePersistence({ file: join(folder, "test.db") }));
    const { model } = bench;
    const bounded = await startRuntime({ persistence: slow.adapter, ...bound }, { dataDir: folder, model });
    const id = await bounded.create();
    await bounded.send(id, prompt("long", { text: BOOK, chunk: 10 }));
    await bounded.until(id, (state) => said(state).at(-1)?.includes("0123456789") === true);
    const gate = slow.hold(({ sessionId }) => sessionId === id);
    await untilFull(bounded, id);
    const refused = await bounded.send(id, prompt("more", { text: "no" }));
    expect([refused.status, refused.headers.get("retry-after"), await refused.json()]).toEqual([
      503,
      "5",
      expect.objectContaining({ error: "persistence_unavailable", detail: expect.stringContaining("Too much waits") }),
    ]);
    gate.open();
    const done = await bounded.until(id, isOver);
    expect(errors(done)).toEqual([]);
    const { blocks } = (await (await bounded.request("GET", `/sessions/${id}/blocks`)).json()) as {
      blocks: { type: string; content?: string }[];
    };
    expect(blocks.flatMap(({ type, content }) => (type === "assistant_text" ? [content] : []))).toEqual([BOOK]);
    await expectWhole(id, bounded);
    await bounded[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  },
);

test("an adapter with the nine methods that hangs: a message is acknowledged when it is saved, a turn's end is shown when it is saved", async () => {
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  const saved: string[] = [];
  let hangs = false;
  const adapter = {
    listAllSessions: async () => [],
    loadSession: async () => null,
    createSessionRecord: async () => {},
    updateSessionRecord: async () => {},
    saveTranscript: async (_id: string, text: string) => {
      if (hangs) await new Promise(() => undefined);
      saved.push(text);
    },
    saveWorkspaceFile: async () => {},
    deleteSessionFile: async () => {},
    listAgentProfiles: async () => [{ id: "default", name: "Default Agent" }],
    loadAgentProfile: async () => ({ ...DEFAULT_PROFILE }),
  };
  const nine = await startRuntime(
    { persistence: adapter, persistenceTimeoutMs: 200 },
    { dataDir: folder, model: bench.model },
  );
  const id = await nine.create();
  await nine.turn(id, prompt("warm", { text: "warm" }));
  hangs = true;
  const refused = await nine.send(id, prompt("not-kept", { text: "never" }), { messageId: "n1" });
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
  hangs = false;
  await expect
    .poll(
      async () =>
        (await nine.send(id, prompt("kept", { text: WORDS, chunk: 10, delayMs: 5 }), { messageId: "n2" })).status,
    )
    .toBe(202);
  expect(saved.at(-1)).toContain('"messageId":"n2"');
  await nine.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
  hangs = true;
  await expect
    .poll(() => nine.logs.some(({ message }) => message.includes("store refuses")), { timeout: 20_000 })
    .toBe(true);
  expect((await nine.state(id)).turn).not.toBeNull();
  hangs = false;
  const done = await nine.until(id, isOver);
  expect(said(done)).toEqual(["warm", WORDS]);
  expect(saved.at(-1)).toContain(`"seq":${done.lastSeq}`);
  await nine[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
