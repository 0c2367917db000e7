import { tool, type AppendBatch, type EventType, type SessionState } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { faultyPersistence, type FaultyPersistence } from "../testing/faulty-store.ts";
import { prompt } from "../testing/prompts.ts";
import { startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

const PATIENT = { timeout: 60_000 };
let dataDir: string;
let store: FaultyPersistence;
let server: RuntimeUnderTest;
let id: string;
let ran = 0;
let paid = Promise.withResolvers<string>();
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "host-tool-store-"));
  store = faultyPersistence(sqlitePersistence({ file: join(dataDir, "test.db") }));
  const run = (): Promise<string> => {
    ran += 1;
    return paid.promise;
  };
  const tools = { pay: tool({ description: "Pays.", input: z.object({}), run }) };
  server = await startRuntime({ persistence: store.adapter, tools }, { dataDir });
  id = await server.create();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await server.model.close();
  await rm(dataDir, { recursive: true, force: true });
});
beforeEach(() => {
  ran = 0;
  paid = Promise.withResolvers();
});

const has = (type: EventType) => (batch: AppendBatch) => batch.events.some((event) => event.type === type);

async function pay(): Promise<void> {
  const call = { tools: [{ name: "mcp__host__pay", input: {} }] };
  expect((await server.send(id, prompt("pay", call, { text: "thanks" }))).status).toBe(202);
}

/** The last result of a tool, once the turn is over. */
async function result(): Promise<string | undefined> {
  const isOver = ({ turn, queue }: SessionState): boolean => turn === null && queue.length === 0;
  const { blocks } = await server.until(id, isOver);
  return blocks.flatMap((block) => (block.type === "tool_result" ? [block.content] : [])).at(-1);
}

/** The next append with such an event is written, and counts as failed. */
async function denied(type: EventType): Promise<void> {
  const gate = store.hold(has(type));
  await expect.poll(() => store.waiting, PATIENT).toBe(1);
  const before = store.lies;
  store.lie = "denied";
  gate.open();
  await expect.poll(() => store.lies, PATIENT).toBe(before + 1);
  store.lie = "none";
}

test("a call runs when it is kept, and not before; a result waits for a store that fails, and nothing runs again", async () => {
  const gate = store.hold(has("session:host-tool:called"));
  await pay();
  await expect.poll(() => store.waiting, PATIENT).toBe(1);
  expect(ran).toBe(0);
  gate.open();
  await expect.poll(() => ran, PATIENT).toBe(1);
  store.failure = new Error("the disk is full");
  paid.resolve("paid at last");
  const refused = () => server.logs.some(({ message }) => message.startsWith("the store refuses"));
  await expect.poll(refused, PATIENT).toBe(true);
  store.failure = undefined;
  expect([await result(), ran]).toEqual(["paid at last", 1]);
});

test("a call that was kept, and of which the store says that it was not, runs once at most", async () => {
  const over = denied("session:host-tool:called");
  paid.resolve("paid");
  await pay();
  await over;
  expect(await result()).toMatch(/^paid$|the outcome of this call is unknown/);
  expect(ran).toBeLessThanOrEqual(1);
});

test("a result that was kept, and of which the store says that it was not, arrives", async () => {
  const over = denied("session:host-tool:completed");
  paid.resolve("paid once");
  await pay();
  await over;
  expect([await result(), ran]).toEqual(["paid once", 1]);
});
