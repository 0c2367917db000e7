/**
 * What a session costs when it is long: the price of an event at turns 100, 1,000 and 10,000 beside that at turn 10,
 * opening it by page, and its memory while it is loaded and idle. A feed stands where an agent stands.
 *   node --expose-gc bench/long-session.ts [--turns 10000] [--known 100000]
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createAgentRuntime, type AppendBatch } from "@hhopkins/agent-runtime";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { feedProvider } from "./fanout/feed-provider.ts";
import { printMachine, printTable } from "./report.ts";
import { summarize } from "./statistics.ts";

const { values } = parseArgs({
  options: { turns: { type: "string", default: "10000" }, known: { type: "string", default: "100000" } },
});
const LONG = Number(values.turns);
/** Of a turn: two blocks of ten deltas each, beside the message. */
const ORDER = JSON.stringify({ deltas: 20, chars: 40, blockDeltas: 10, end: "end" });
const KB = 1024;
/** Turns that are measured of a session, after as many that are not, each beside as many of a young session. */
const WARM_TURNS = 8;
const MEASURED_TURNS = 3;
const MOST_ROUNDS = 150;
const CREATED_AT = "2026-11-22T08:00:00.000Z";

type Copied = Required<Pick<AppendBatch, "events" | "snapshot">>;

const folder = await mkdtemp(join(tmpdir(), "agent-runtime-bench-"));
const persistence = sqlitePersistence({ file: join(folder, "store.db") });
const runtime = await createAgentRuntime({
  persistence,
  sandbox: feedProvider(),
  credentials: () => ({ baseUrl: "http://127.0.0.1:9", apiKey: "none" }),
  dataDir: folder,
  maxSandboxes: 1000,
});
await runtime.start();
const rest = runtime.createRestServer({ apiKey: "key" });
const { sessionManager } = runtime;

async function request(path: string, body?: object): Promise<Response> {
  const headers = { "x-api-key": "key", "content-type": "application/json" };
  const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await rest.fetch(new Request(`http://bench.test${path}`, init));
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

async function newSession(): Promise<string> {
  const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  const { sessionId } = await sessionManager.createSession(body);
  return sessionId;
}

async function turn(sessionId: string): Promise<void> {
  const session = sessionManager.getSession(sessionId);
  await request(`/sessions/${sessionId}/message`, { content: ORDER });
  while (session.getState().turn !== null || session.getState().queue.length > 0) await delay(1);
}

/** Processor time of this process for an event of a turn, in microseconds. */
async function priceOfEvent(sessionId: string): Promise<number> {
  const session = sessionManager.getSession(sessionId);
  const before = session.getState().lastSeq;
  const from = process.cpuUsage();
  await turn(sessionId);
  const { user, system } = process.cpuUsage(from);
  return (user + system) / (session.getState().lastSeq - before);
}

/** What an event costs up to this turn of the long session, beside turns 9 to 11 of new ones. */
async function priceAt(turns: number): Promise<void> {
  const rounds = Math.min(MOST_ROUNDS, Math.floor((turns - built) / (WARM_TURNS + MEASURED_TURNS)));
  const measured = rounds * (WARM_TURNS + MEASURED_TURNS);
  for (; built < turns - measured; built += 1) await turn(long);
  built += measured;
  const early: number[] = [];
  const late: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const fresh = await newSession();
    for (const [sessionId, prices] of [
      [fresh, early],
      [long, late],
    ] as const) {
      for (let index = 0; index < WARM_TURNS; index += 1) await turn(sessionId);
      for (let index = 0; index < MEASURED_TURNS; index += 1) prices.push(await priceOfEvent(sessionId));
    }
    await sessionManager.unloadSession(fresh);
  }
  const { lastSeq } = sessionManager.getSession(long).getState();
  printTable(`processor time of an event, µs; the long session has ${lastSeq} events`, [
    ["turns 9 to 11 of new sessions", early],
    [`of turns ${turns - measured} to ${turns}`, late],
  ]);
  const median = summarize(late).median / summarize(early).median;
  // The mean has in it what not every turn does: snapshots and compaction.
  console.log(`${median.toFixed(2)} times turn 10 (median), ${(mean(late) / mean(early)).toFixed(2)} times (mean)\n`);
}

function mean(prices: readonly number[]): number {
  return prices.reduce((sum, price) => sum + price, 0) / prices.length;
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await call();
  return performance.now() - from;
}

async function repeated(count: number, call: () => Promise<number>): Promise<number[]> {
  const results: number[] = [];
  for (let index = 0; index < count; index += 1) results.push(await call());
  return results;
}

function heap(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Memory of each of the sessions once they are loaded, without a sandbox, in KB; the median of some tries. */
async function memoryOf(sessionIds: readonly string[]): Promise<number> {
  const tries = await repeated(5, async () => {
    const before = heap();
    for (const id of sessionIds) await sessionManager.loadSession(id);
    await delay(100);
    const kb = (heap() - before) / sessionIds.length / KB;
    for (const id of sessionIds) await sessionManager.unloadSession(id);
    await delay(100);
    return kb;
  });
  return summarize(tries).median;
}

/** Sessions that are not loaded, with so many turns each: one that took them, and copies of what is stored of it. */
async function sessionsOf(count: number, turns: number): Promise<string[]> {
  const sessionId = await newSession();
  for (let index = 0; index < turns; index += 1) await turn(sessionId);
  await sessionManager.unloadSession(sessionId);
  const key = { tenant: "default", sessionId };
  const stored = JSON.stringify({
    events: await persistence.store.events(key, { after: 0, limit: 1_000_000 }),
    snapshot: (await persistence.store.head(key))?.snapshot,
  });
  const record = { sessionId, type: "claude-agent-sdk", agentProfileReference: "default", createdAt: CREATED_AT };
  const copies = Array.from({ length: count - 1 }, async (_unused, index) => {
    const copy = `${sessionId}-${index}`;
    const { events, snapshot } = JSON.parse(stored.replaceAll(sessionId, copy)) as Copied;
    const named = { tenant: "default", sessionId: copy, record: { ...record, sessionId: copy }, logId: copy };
    await persistence.store.create({ ...named, first: { events, snapshot } });
    return copy;
  });
  return [sessionId, ...(await Promise.all(copies))];
}

/** RSS in MB of a server that knows so many sessions and has loaded none. */
async function rssWith(known: number): Promise<number> {
  const file = join(folder, `known-${known}.db`);
  const adapter = sqlitePersistence({ file });
  await adapter.open?.();
  for (let index = 0; index < known; index += 1) {
    const sessionId = `session-${index}`;
    const record = { sessionId, type: "claude-agent-sdk", agentProfileReference: "default", createdAt: CREATED_AT };
    const first = {
      events: [{ seq: 1, at: CREATED_AT, type: "session:created" as const, data: { sessionId, session: record } }],
    };
    await adapter.store.create({ tenant: "default", sessionId, record, logId: "L", first });
  }
  await adapter.close?.();
  const program = fileURLToPath(new URL("long-session-known.ts", import.meta.url));
  return Number(execFileSync(process.execPath, ["--expose-gc", program, file], { encoding: "utf8" })) / KB / KB;
}

printMachine();
const long = await newSession();
let built = 0;
await priceAt(LONG / 100);
await priceAt(LONG / 10);
await priceAt(LONG);

await sessionManager.unloadSession(long);
const blocks = `/sessions/${long}/blocks`;
const page = (await (await request(`${blocks}?limit=50`)).json()) as { before?: string };
printTable("opening the long session, ms", [
  ["state, not loaded", await repeated(30, () => timed(async () => (await request(`/sessions/${long}`)).text()))],
  [
    "last page of 50 blocks, not loaded",
    await repeated(30, () => timed(async () => (await request(`${blocks}?limit=50`)).text())),
  ],
  [
    "page of 50 before it, not loaded",
    await repeated(30, () => timed(async () => (await request(`${blocks}?limit=50&before=${page.before}`)).text())),
  ],
  [
    "load",
    await repeated(10, async () => {
      const ms = await timed(() => sessionManager.loadSession(long));
      await sessionManager.unloadSession(long);
      return ms;
    }),
  ],
]);

const short = await sessionsOf(200, 17);
// Their logs are compacted, and no copy of such a log can be made.
const windowed = (await Promise.all(Array.from({ length: 4 }, () => sessionsOf(1, 200)))).flat();
console.log(`memory of a loaded idle session without a sandbox, KB`);
console.log(`  of about 50 short blocks   ${(await memoryOf(short)).toFixed(0)}`);
console.log(`  of 600 blocks              ${(await memoryOf(windowed)).toFixed(0)}`);
console.log(`  of ${LONG} turns            ${(await memoryOf([long])).toFixed(0)}\n`);
await runtime.shutdown();

const none = await rssWith(0);
console.log(
  `RSS of a server with 0 known sessions ${none.toFixed(1)} MB, with ${values.known} ${(await rssWith(Number(values.known))).toFixed(1)} MB`,
);
await rm(folder, { recursive: true });
