import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";

type Driver = Awaited<ReturnType<NonNullable<Parameters<typeof sqlitePersistence>[1]>>>;
type Connection = ReturnType<Driver> & { exec(sql: string): void };
// It brings no types of its own.
const Database = createRequire(import.meta.url)("better-sqlite3") as new (file: string) => Connection;

const WORDS = "word ".repeat(300);
let model: ScriptedModel;
let dataDir: string;
let file: string;
let connection: Connection;
let bench: RuntimeUnderTest;
let id: string;

beforeAll(async () => void (model = await startScriptedModel()));
afterAll(() => model.close());
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "agent-runtime-test-"));
  file = join(dataDir, "test.db");
  const persistence = sqlitePersistence({ file }, async () => (name) => (connection = new Database(name)));
  bench = await startRuntime({ persistence }, { dataDir, model });
  id = await bench.create();
  await bench.send(
    id,
    prompt("talk", { tools: [bash("echo once >> ledger.txt")] }, { text: WORDS, chunk: 10, delayMs: 10 }),
  );
  await bench.until(id, (state) => said(state).at(-1)?.includes("word word") === true);
});
afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

/** `GET /ready` says this, messages are refused, and the log stands still. */
async function expectDown(problem: RegExp): Promise<void> {
  const persistence = async (): Promise<string> => {
    const { checks } = (await (await bench.request("GET", "/ready")).json()) as { checks: { persistence: string } };
    return checks.persistence;
  };
  await expect.poll(persistence, { timeout: 20_000 }).toMatch(problem);
  expect(await persistence()).toMatch(/\(since 2.*Z\)$/);
  const refused = await bench.send(id, prompt("meanwhile", { text: "no" }));
  expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([503, true]);
  expect((await bench.request("GET", "/health")).status).toBe(200);
}

/** The turn completes byte for byte, and whatever was acknowledged is there once. */
async function expectRecovery(): Promise<void> {
  const done = await bench.until(id, ({ turn, queue }) => turn === null && queue.length === 0);
  expect([said(done), errors(done)]).toEqual([[WORDS], []]);
  expect(done.workspaceFiles).toMatchObject([{ path: "ledger.txt", content: "once\n" }]);
  expect(await turnEnds(bench, id)).toEqual(["completed"]);
  const seqs = (await logOf(bench, id)).map(({ seq }) => seq);
  expect([new Set(seqs).size, seqs.at(-1)]).toEqual([seqs.length, done.lastSeq]);
  expect((await bench.request("GET", "/ready")).status).toBe(200);
}

test("a full disk: the turn waits in its sandbox, and goes on when there is room", async () => {
  const [{ page_count: pages }] = connection.pragma("page_count") as [{ page_count: number }];
  connection.pragma(`max_page_count = ${pages}`);
  await expectDown(/the disk is full: free some space \(SQLITE_FULL/);
  connection.pragma("max_page_count = 1000000");
  await expectRecovery();
});

test("a database that another process locks for a while", async () => {
  const other = new Database(file);
  other.exec("begin immediate");
  await expectDown(/another process holds the database.*SQLITE_BUSY/);
  other.exec("rollback");
  other.close();
  await expectRecovery();
});

test("a database file that is moved away under the server: nothing is written to where nobody finds it, and all is well once it is back", async () => {
  await rename(file, join(dataDir, "moved.db"));
  await expectDown(/the database file was deleted or replaced while the server runs.*Put the file back/);
  await rename(join(dataDir, "moved.db"), file);
  await expectRecovery();
});
