/**
 * What it costs that a session runs on another node than the one that a client is connected to: how much later an event
 * comes, and how much longer a request takes. Two servers on one PostgreSQL, and one client that is connected to both,
 * so that each event is its own measure. By each way in which nodes wake each other.
 *
 * Parties, each in a process of its own: the database, the bus, the model, both servers, this one.
 */
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { script } from "@hhopkins/agent-runtime-testkit";
import { Client } from "pg";
import { startNats, startRedis } from "../scripts/bus-servers.ts";
import { startPostgres } from "../scripts/postgres-server.ts";
import { startChild, type Child } from "./child.ts";
import { SessionClient } from "./cluster/session-client.ts";
import { load, printMachine, printTable, type Row } from "./report.ts";

/** Turns of 60 deltas each, and requests, by each way. */
const { values } = parseArgs({
  options: {
    turns: { type: "string", default: "10" },
    requests: { type: "string", default: "100" },
    ways: { type: "string", default: "notify,redis,nats,none" },
  },
});

const API_KEY = "key-of-the-benchmark";
const NAMES: Readonly<Record<string, string>> = {
  notify: "PostgreSQL's NOTIFY",
  redis: "Redis",
  nats: "NATS",
  none: "polling each 250 ms",
};
/** 60 pieces of 16 characters, each a commit of its own. */
const STREAMED = `Say more. ${script([{ text: "Sixteen letters ".repeat(60), delayMs: 15 }])}`;

interface Way {
  readonly name: string;
  readonly bus: string;
}

interface Measured {
  /** Milliseconds by which an event came later over the other node. */
  readonly later: number[];
  /** Milliseconds that a message took to be accepted. */
  readonly asked: { readonly home: number[]; readonly other: number[] };
}

interface Place {
  readonly folder: string;
  readonly modelUrl: string;
  readonly database: string;
}

async function measure(way: Way, { folder, modelUrl, database }: Place): Promise<Measured> {
  const schema = `bench_${way.name}`;
  const start = async (name: string): Promise<Child> => {
    const dataDir = join(folder, `${way.name}-${name}`);
    await mkdir(dataDir);
    const settings = { modelUrl, dataDir, apiKey: API_KEY, database, schema, bus: way.bus };
    return startChild("./cluster/node-process.ts", { args: [JSON.stringify(settings)] });
  };
  // One after the other: the first makes the tables.
  await using first = await start("first");
  await using second = await start("second");
  const sessionId = await SessionClient.create(first.port, API_KEY);
  using one = await SessionClient.follow({ port: first.port, apiKey: API_KEY, sessionId });
  using two = await SessionClient.follow({ port: second.port, apiKey: API_KEY, sessionId });
  // The first turn starts the sandbox, and tells who is the home: its events come first.
  await turn(one, two);
  const [home, other] = median(laterness(one, two)) >= 0 ? [one, two] : [two, one];
  for (const client of [home, other]) client.arrivals.clear();
  for (let index = 0; index < Number(values.turns); index += 1) await turn(home, other);
  const later = laterness(home, other);
  const asked = { home: [] as number[], other: [] as number[] };
  for (let index = 0; index < Number(values.requests); index += 1) {
    const [way, client] = index % 2 === 0 ? (["home", home] as const) : (["other", other] as const);
    asked[way].push(await client.send("A word."));
  }
  await home.idle();
  return { later, asked };
}

async function turn(asker: SessionClient, follower: SessionClient): Promise<void> {
  await asker.send(STREAMED);
  await asker.idle();
  await follower.reached(asker.lastSeq);
}

/** How much later `other` had each event than `home`. */
function laterness(home: SessionClient, other: SessionClient): number[] {
  return [...other.arrivals].flatMap(([seq, at]) => {
    const before = home.arrivals.get(seq);
    return before === undefined ? [] : [at - before];
  });
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
}

async function busAddress(name: string, ending: (() => Promise<void>)[]): Promise<string> {
  if (name === "notify" || name === "none") return name;
  const server = name === "redis" ? await startRedis() : await startNats();
  ending.push(() => server.stop());
  return server.url;
}

async function main(): Promise<void> {
  printMachine();
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-bench-"));
  // The database is another user.
  await chmod(folder, 0o711);
  const ending: (() => Promise<void>)[] = [];
  try {
    const postgres = await startPostgres(join(folder, "postgres"), { durable: true });
    ending.push(() => postgres.stop());
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    await client.query("create database bench");
    await client.end();
    const database = postgres.url.replace(/\/postgres$/, "/bench");
    await using model = await startChild("./model-process.ts");
    const modelUrl = `http://127.0.0.1:${model.port}`;
    const rows: Row[] = [];
    const requests: Row[] = [];
    for (const name of values.ways.split(",")) {
      const way = { name, bus: await busAddress(name, ending) };
      const { later, asked } = await measure(way, { folder, modelUrl, database });
      rows.push([NAMES[name] ?? name, later]);
      requests.push(
        [`${NAMES[name] ?? name}: at home`, asked.home],
        [`${NAMES[name] ?? name}: elsewhere`, asked.other],
      );
    }
    printTable("an event at a client of the other node, after the same at one of its own, ms", rows);
    printTable("a message to a session that is busy → 202, ms", requests);
    console.log(`${postgres.version}, load average at the end ${load()}`);
  } finally {
    for (const end of ending.toReversed()) await end();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

await main();
