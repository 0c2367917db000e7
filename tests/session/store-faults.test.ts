import {
  DEFAULT_PROFILE,
  type AppendBatch,
  type PersistedSessionData,
  type PersistenceAdapter,
  type SessionEvent,
} from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { faultyPersistence, type FaultyPersistence } from "../testing/faulty-store.ts";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

const WORDS = "word ".repeat(200);
const DOWN = new Error("the disk is full");

/** What was begun has had its turn of the event loop. */
const everythingElse = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A client that follows a session's events and notes each seq, with what was stored when it saw it, and what has none. */
function follow(bench: RuntimeUnderTest, id: string, stored: () => number) {
  const seen: { seq: number; stored: number }[] = [];
  const told: unknown[] = [];
  const stop = bench.request("GET", `/sessions/${id}/events?after=0`).then(async (response) => {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    const reading = (async () => {
      for (let rest = ""; ;) {
        const { done, value } = await reader.read();
        if (done) return;
        const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if (!line.startsWith("data: ")) continue;
          const data = JSON.parse(line.slice(6)) as Partial<SessionEvent>;
          if (data.seq === undefined) told.push(data);
          else seen.push({ seq: data.seq, stored: stored() });
        }
      }
    })();
    return async () => {
      await reader.cancel();
      await reading;
    };
  });
  return { seen, told, last: () => seen.at(-1)?.seq ?? 0, stop: async () => (await stop)() };
}

describe("a store that fails or is slow", () => {
  let dataDir: string;
  let store: FaultyPersistence;
  let bench: RuntimeUnderTest;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
    store = faultyPersistence(sqlitePersistence({ file: join(dataDir, "test.db") }));
    bench = await startRuntime({ persistence: store.adapter }, { dataDir });
  });
  afterEach(() => {
    store.failure = undefined;
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
    await bench.model.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  const refusals = (id: string): number =>
    bench.logs.filter(({ message, detail }) => /store refuses/.test(message) && detail["sessionId"] === id).length;
  const ready = async (): Promise<unknown[]> => {
    const response = await bench.request("GET", "/ready");
    return [response.status, await response.json()];
  };

  test("during a turn: nothing is shown that is not stored, new messages are refused, and nothing is lost", async () => {
    const id = await bench.create();
    const client = follow(bench, id, () => store.stored(id));
    await bench.send(
      id,
      prompt("talk", { tools: [bash("printf kept > notes.txt")] }, { text: WORDS, chunk: 10, delayMs: 10 }),
    );
    await bench.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
    store.failure = DOWN;
    await expect.poll(() => refusals(id)).toBeGreaterThan(1);
    const { lastSeq } = await bench.state(id);
    expect(lastSeq).toBe(store.stored(id));
    const refused = await bench.send(id, prompt("meanwhile", { text: "no" }), { messageId: "meanwhile" });
    expect([refused.status, await refused.json()]).toEqual([
      503,
      expect.objectContaining({ error: "persistence_unavailable" }),
    ]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await ready()).toEqual([
      503,
      { ready: false, checks: { persistence: expect.stringContaining("disk is full") } },
    ]);
    expect((await bench.request("GET", "/health")).status).toBe(200);
    expect((await bench.state(id)).lastSeq).toBe(lastSeq);
    expect(client.last()).toBe(lastSeq);
    const late = follow(bench, id, () => store.stored(id));
    const notice = { sessionId: id, code: "persistence_unavailable", message: expect.stringContaining("saved") };
    await expect.poll(() => [client.told, late.told]).toEqual([[notice], [notice]]);
    await late.stop();

    store.failure = undefined;
    const done = await bench.until(id, ({ turn }) => turn === null);
    expect(said(done)).toEqual([WORDS]);
    expect(errors(done)).toEqual([]);
    expect(done.workspaceFiles).toMatchObject([{ path: "notes.txt", content: "kept" }]);
    expect(done.queue).toEqual([]);
    expect(await ready()).toEqual([200, { ready: true, checks: { persistence: "ok" } }]);
    const seqs = (await logOf(bench, id)).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: done.lastSeq }, (_unused, index) => index + 1));
    await expect.poll(client.last).toBe(done.lastSeq);
    expect(client.seen.filter(({ seq, stored }) => seq > stored)).toEqual([]);
    await client.stop();
    const again = await bench.send(id, prompt("meanwhile", { text: "yes" }), { messageId: "meanwhile" });
    expect(again.status).toBe(202);
    expect(said(await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0)).at(-1)).toBe("yes");
  });

  test("an append that takes its time: the message is answered and shown when it is stored, not before", async () => {
    const id = await bench.create();
    await bench.turn(id, prompt("warm", { text: "warm" }));
    const before = await bench.state(id);
    const client = follow(bench, id, () => store.stored(id));
    await expect.poll(client.last).toBe(before.lastSeq);
    const gate = store.hold();
    let answered = false;
    const answer = bench.send(id, prompt("slow", { text: "in the end" })).then((response) => {
      answered = true;
      return response;
    });
    await expect.poll(() => store.waiting).toBe(1);
    expect(await bench.state(id)).toEqual(before);
    expect([answered, client.last()]).toEqual([false, before.lastSeq]);
    gate.open();
    expect((await answer).status).toBe(202);
    const done = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect(said(done).at(-1)).toBe("in the end");
    await expect.poll(client.last).toBe(done.lastSeq);
    expect(client.seen.filter(({ seq, stored }) => seq > stored)).toEqual([]);
    await client.stop();
  });

  test("a message that could not be stored is refused, leaves nothing, and can be sent again", async () => {
    const id = await bench.create();
    store.failure = DOWN;
    const refused = await bench.send(id, prompt("one", { text: "1" }), { messageId: "m1" });
    expect([refused.status, await refused.json()]).toEqual([
      503,
      expect.objectContaining({ error: "persistence_unavailable" }),
    ]);
    expect(await bench.state(id)).toMatchObject({ queue: [], turn: null, blocks: [] });
    store.failure = undefined;
    expect((await bench.send(id, prompt("one", { text: "1" }), { messageId: "m1" })).status).toBe(202);
    const done = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect(said(done)).toEqual(["1"]);
  });

  test("from the moment that a message was accepted: its turn begins when the store is back", async () => {
    const id = await bench.create();
    const gate = store.hold();
    const answer = bench.send(id, prompt("accepted", { text: "kept its word" }));
    await expect.poll(() => store.waiting).toBe(1);
    // The append of the message gets through; the one that begins its turn does not.
    const held = store.hold();
    gate.open();
    expect((await answer).status).toBe(202);
    await expect.poll(() => store.waiting).toBe(1);
    store.failure = DOWN;
    held.open();
    await expect.poll(() => refusals(id)).toBeGreaterThan(0);
    store.failure = undefined;
    const done = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect(said(done)).toEqual(["kept its word"]);
    expect(await turnEnds(bench, id)).toEqual(["completed"]);
  });

  test("a message that waits behind a write when the store begins to fail is refused, not kept waiting", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("talk", { text: WORDS, chunk: 10, delayMs: 10 }));
    await bench.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
    const gate = store.hold(({ sessionId }) => sessionId === id);
    await expect.poll(() => store.waiting).toBe(1);
    const answer = bench.send(id, prompt("waits", { text: "no" }));
    await everythingElse();
    store.failure = DOWN;
    gate.open();
    expect((await answer).status).toBe(503);
    store.failure = undefined;
    const done = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect(said(done)).toEqual([WORDS]);
  });

  test("an interrupt at the moment at which the sandbox is ready still stops the turn before it begins", async () => {
    const id = await bench.create();
    const isReady = ({ sessionId, sandbox }: AppendBatch): boolean => sessionId === id && sandbox?.started === true;
    const gate = store.hold(isReady);
    await bench.send(id, prompt("never-to-be-asked", { text: "never" }));
    await expect.poll(() => store.waiting, { timeout: 20_000 }).toBe(1);
    const interrupted = bench.request("POST", `/sessions/${id}/interrupt`);
    await everythingElse();
    gate.open();
    expect((await interrupted).status).toBe(204);
    await bench.until(id, ({ turn }) => turn === null);
    expect(said(await bench.turn(id, prompt("next", { text: "next" })))).toEqual(["next"]);
    expect(await turnEnds(bench, id)).toEqual(["interrupted", "completed"]);
    const asked = bench.model.requests.filter(({ body }) => JSON.stringify(body ?? null).includes("never-to-be-asked"));
    expect(asked).toEqual([]);
  });

  test("while a sandbox starts, and while one dies: the turn ends, and what waits runs", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("first", { tools: [bash("touch begun; sleep 600")] }));
    await bench.until(id, ({ runtime }) => runtime.sandbox?.status === "starting");
    store.failure = DOWN;
    await expect.poll(() => refusals(id)).toBeGreaterThan(0);
    store.failure = undefined;
    await bench.until(id, ({ workspaceFiles }) => workspaceFiles.length > 0);
    await bench.send(id, prompt("second", { text: "in the next sandbox" }));
    const before = refusals(id);
    store.failure = DOWN;
    const { sandboxPid } = await import("../testing/processes.ts");
    process.kill(await sandboxPid(dataDir, `${id}-1`), "SIGKILL");
    await expect.poll(() => refusals(id)).toBeGreaterThan(before);
    store.failure = undefined;
    const done = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
    expect(said(done)).toEqual(["in the next sandbox"]);
    expect(await turnEnds(bench, id)).toEqual(["failed sandbox_lost", "completed"]);
  });

  test("an unload that cannot be saved ends nothing; afterwards it goes through, with every file", async () => {
    const id = await bench.create();
    await bench.send(id, prompt("work", { tools: [bash("printf precious > precious.txt; touch begun; sleep 600")] }));
    await bench.until(id, ({ workspaceFiles }) => workspaceFiles.some(({ path }) => path === "begun"));
    store.failure = DOWN;
    const refused = await bench.request("POST", `/sessions/${id}/unload`);
    expect(refused.status).toBe(503);
    expect((await bench.state(id)).runtime).toMatchObject({ isLoaded: true, sandbox: { status: "ready" } });
    store.failure = undefined;
    await expect
      .poll(async () => (await bench.request("POST", `/sessions/${id}/unload`)).status, { timeout: 20_000 })
      .toBe(204);
    const asleep = await bench.state(id);
    expect(asleep.runtime).toMatchObject({ isLoaded: false, sandbox: { status: "terminated" } });
    expect(asleep.workspaceFiles.map(({ path }) => path).toSorted()).toEqual(["begun", "precious.txt"]);
    const woken = await bench.turn(id, prompt("look", { tools: [bash("cat precious.txt")] }, { text: "seen" }));
    expect(woken.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "precious" });
  });
});

test("a server that is stopped while its store fails leaves its sandboxes, and the next one goes on", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  const persistence = () => sqlitePersistence({ file: join(dataDir, "test.db") });
  await using model = await startScriptedModel();
  const store = faultyPersistence(persistence());
  const first = await startRuntime({ persistence: store.adapter, shutdownGraceMs: 1 }, { dataDir, model });
  const [talks, idle] = [await first.create(), await first.create()];
  await first.turn(idle, prompt("idle", { tools: [bash("printf kept > notes.txt")] }, { text: "done" }));
  await first.send(talks, prompt("talk", { text: WORDS, chunk: 10, delayMs: 10 }));
  await first.until(talks, (state) => said(state).at(-1)?.includes("word word") === true);
  store.failure = DOWN;
  await first.runtime.shutdown();

  const second = await startRuntime({ persistence: persistence() }, { dataDir, model });
  const done = await second.until(talks, ({ turn }) => turn === null);
  expect(said(done)).toEqual([WORDS]);
  expect(await turnEnds(second, talks)).toEqual(["completed"]);
  const after = await second.turn(idle, prompt("again", { tools: [bash("cat notes.txt")] }, { text: "awake" }));
  expect(after.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "kept" });
  expect(said(after)).toEqual(["done", "awake"]);
  await second[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

describe("an adapter with the nine methods", () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  const profiles = {
    listAgentProfiles: async () => [{ id: "default", name: "Default Agent" }],
    loadAgentProfile: async () => ({ ...DEFAULT_PROFILE }),
  };
  const stub: PersistenceAdapter = {
    listAllSessions: async () => [],
    loadSession: async () => null,
    createSessionRecord: async () => {},
    updateSessionRecord: async () => {},
    saveTranscript: async () => {},
    saveWorkspaceFile: async () => {},
    deleteSessionFile: async () => {},
    ...profiles,
  };

  /** Two turns with an unload between them. */
  async function twoTurns(bench: RuntimeUnderTest): Promise<string> {
    const id = await bench.create();
    await bench.turn(
      id,
      prompt("remember-this", { tools: [bash("printf kept > notes.txt; printf '\\x00\\xff' > raw")] }, { text: "one" }),
    );
    expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
    const after = await bench.turn(
      id,
      prompt("and now", { tools: [bash("cat notes.txt; od -An -tx1 raw; rm raw")] }, { text: "two" }),
    );
    expect(said(after)).toEqual(["one", "two"]);
    expect(after.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({ content: "kept 00 ff" });
    expect(after.runtime.sandbox).toMatchObject({ restartCount: 1 });
    const asked = bench.model.requests.findLast(({ body }) => JSON.stringify(body ?? null).includes("and now"));
    expect(JSON.stringify(asked?.body)).toContain("remember-this");
    return id;
  }

  test("that keeps nothing: all works in one process, the sessions are listed, and it is said once", async () => {
    await using bench = await startRuntime({ persistence: stub }, { dataDir });
    const ids = [await twoTurns(bench), await bench.create()];
    const { sessions } = (await (await bench.request("GET", "/sessions")).json()) as {
      sessions: { sessionId: string }[];
    };
    expect(sessions.map(({ sessionId }) => sessionId).toSorted()).toEqual(ids.toSorted());
    expect(
      bench.logs.filter(({ level, message }) => level === "warn" && message.includes("stay in memory")),
    ).toHaveLength(1);
  });

  test("that keeps: it has the records, the transcript and the files, and nothing is warned of", async () => {
    const kept = new Map<string, PersistedSessionData>();
    const change = (id: string, more: (known: PersistedSessionData) => Partial<PersistedSessionData>): void => {
      const known = kept.get(id);
      if (known === undefined) throw new Error(`no session ${id}`);
      kept.set(id, { ...known, ...more(known) });
    };
    const keeping: PersistenceAdapter = {
      ...profiles,
      listAllSessions: async () =>
        [...kept.values()].map(({ rawTranscript: _text, workspaceFiles: _files, ...record }) => record),
      loadSession: async (id) => kept.get(id) ?? null,
      createSessionRecord: async (record) => void kept.set(record.sessionId, { ...record, workspaceFiles: [] }),
      updateSessionRecord: async (id, updates) => change(id, () => updates),
      saveTranscript: async (id, rawTranscript) => change(id, () => ({ rawTranscript })),
      saveWorkspaceFile: async (id, file) =>
        change(id, ({ workspaceFiles }) => ({
          workspaceFiles: [...workspaceFiles.filter(({ path }) => path !== file.path), file],
        })),
      deleteSessionFile: async (id, path) =>
        change(id, ({ workspaceFiles }) => ({ workspaceFiles: workspaceFiles.filter((file) => file.path !== path) })),
    };
    await using bench = await startRuntime({ persistence: keeping }, { dataDir });
    const id = await twoTurns(bench);
    expect(kept.get(id)?.workspaceFiles).toMatchObject([{ path: "notes.txt", content: "kept" }]);
    expect(kept.get(id)?.rawTranscript).toContain("remember-this");
    expect(kept.get(id)?.lastActivity).toBe((await bench.state(id)).lastActivity);
    expect(bench.logs.filter(({ message }) => message.includes("stay in memory"))).toEqual([]);
  });
});
