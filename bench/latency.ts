/**
 * How long until an answer begins: through the runtime, and with the Claude Agent SDK driven directly, on the same
 * scripted model. Both ways take turns, so that a machine that drifts drifts for both.
 *
 * Parties, each in a process of its own: the model; the runtime's server; this one, which is the runtime's client and
 * drives the SDK.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { script } from "@hhopkins/agent-runtime-testkit";
import { arrivalIn, firstDelta, streaming, type Answer } from "./answer.ts";
import { startChild } from "./child.ts";
import { now } from "./clock.ts";
import { openDirectAgent } from "./direct-agent.ts";
import { load, printMachine, printTable } from "./report.ts";
import { connectRuntime, type RuntimeClient } from "./runtime-client.ts";

/** How many pairs (the warm-up's are not counted), and how many sessions. */
const { values } = parseArgs({
  options: {
    warm: { type: "string", default: "60" },
    streamed: { type: "string", default: "10" },
    cold: { type: "string", default: "8" },
    create: { type: "string", default: "100" },
    "warm-up": { type: "string", default: "5" },
  },
});

const MESSAGE = `Say something. ${script([{ text: "Here is something, in a few words." }])}`;
/** 60 pieces of 16 characters. */
const STREAMED = `Say more. ${script([{ text: "Sixteen letters ".repeat(60), delayMs: 5 }])}`;
const API_KEY = "key-of-the-benchmark";
const WARM_UP = Number(values["warm-up"]);
/** A person thinks before the next message; what an agent does after a turn is not in the next one's time. */
const THINK_MS = 250;

interface Pair {
  readonly runtime: Answer;
  readonly direct: Answer;
}

interface Ways {
  readonly client: RuntimeClient;
  readonly modelUrl: string;
  readonly folder: string;
}

/** Both in turn, and who goes first changes from pair to pair. */
async function measurePair(
  index: number,
  ways: { runtime: () => Promise<Answer>; direct: () => Promise<Answer> },
): Promise<Pair> {
  const measure = async (way: () => Promise<Answer>): Promise<Answer> => {
    await delay(THINK_MS);
    return way();
  };
  if (index % 2 === 0) {
    const runtime = await measure(ways.runtime);
    return { runtime, direct: await measure(ways.direct) };
  }
  const direct = await measure(ways.direct);
  return { runtime: await measure(ways.runtime), direct };
}

/** One session and one query, which both live through all of it. */
async function measureWarm({ client, modelUrl, folder }: Ways, count: number, message: string): Promise<Pair[]> {
  const { sessionId } = await client.create();
  using session = await client.follow(sessionId);
  using agent = openDirectAgent({ modelUrl, folder: await mkdtemp(join(folder, "warm-")) });
  const pairs: Pair[] = [];
  for (let index = -WARM_UP; index < count; index++) {
    const pair = await measurePair(index, { runtime: () => session.ask(message), direct: () => agent.ask(message) });
    if (index >= 0) pairs.push(pair);
  }
  await client.remove(sessionId);
  return pairs;
}

/** A new session, whose sandbox its first message starts, and a new query in a new process. */
async function measureCold({ client, modelUrl, folder }: Ways, count: number): Promise<Pair[]> {
  const direct = async (): Promise<Answer> => {
    const options = { modelUrl, folder: await mkdtemp(join(folder, "cold-")) };
    const sentAt = now();
    using agent = openDirectAgent(options);
    return await agent.ask(MESSAGE, sentAt);
  };
  const runtime = async (): Promise<Answer> => {
    const { sessionId } = await client.create();
    using session = await client.follow(sessionId);
    const answer = await session.ask(MESSAGE);
    await client.remove(sessionId);
    return answer;
  };
  const pairs: Pair[] = [];
  for (let index = 0; index < count; index++) pairs.push(await measurePair(index, { runtime, direct }));
  return pairs;
}

async function measureCreate(client: RuntimeClient, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = -WARM_UP; index < count; index++) {
    const { sessionId, ms } = await client.create();
    if (index >= 0) times.push(ms);
    await client.remove(sessionId);
  }
  return times;
}

function printPairs(title: string, pairs: readonly Pair[], measure: (answer: Answer) => number): void {
  if (pairs.length === 0) return;
  printTable(title, [
    ["runtime, at a WebSocket client", pairs.map(({ runtime }) => measure(runtime))],
    ["Claude Agent SDK driven directly", pairs.map(({ direct }) => measure(direct))],
    ["overhead of the runtime, by pairs", pairs.map(({ runtime, direct }) => measure(runtime) - measure(direct))],
  ]);
}

function printSteps(pairs: readonly Pair[], arrivals: readonly number[]): void {
  if (pairs.length === 0) return;
  const runtime = pairs.map((pair) => pair.runtime);
  const direct = pairs.map((pair) => pair.direct);
  const step = (name: string): number[] =>
    runtime.flatMap(({ sentAt, steps }) => (steps[name] === undefined ? [] : [steps[name] - sentAt]));
  const until = (answers: readonly Answer[]): number[] =>
    answers.flatMap((answer) => arrivalIn(answer, arrivals).map((at) => at - answer.sentAt));
  const after = (answers: readonly Answer[]): number[] =>
    answers.flatMap((answer) => arrivalIn(answer, arrivals).map((at) => answer.firstDeltaAt - at));
  printTable("  where it goes: message → …, ms", [
    ["  runtime: 202 of the POST", step("202")],
    ["  runtime: turn started, at the client", step("turn started")],
    ["  runtime: request at the model", until(runtime)],
    ["  direct:  request at the model", until(direct)],
    ["  runtime: from there to the first delta", after(runtime)],
    ["  direct:  from there to the first delta", after(direct)],
  ]);
}

async function main(): Promise<void> {
  printMachine();
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-bench-"));
  try {
    const arrivals: number[] = [];
    await using model = await startChild("./model-process.ts", {
      onMessage: (message) => void arrivals.push((message as { arrived: number }).arrived),
    });
    const modelUrl = `http://127.0.0.1:${model.port}`;
    await using server = await startChild("./server-process.ts", { args: [modelUrl, join(folder, "data"), API_KEY] });
    const ways = { client: connectRuntime(server.port, API_KEY), modelUrl, folder };
    const warm = await measureWarm(ways, Number(values.warm), MESSAGE);
    const streamed = await measureWarm(ways, Number(values.streamed), STREAMED);
    const cold = await measureCold(ways, Number(values.cold));
    const create = await measureCreate(ways.client, Number(values.create));
    printPairs("warm message → first delta, ms", warm, firstDelta);
    printSteps(warm, arrivals);
    printPairs("first → last of 60 deltas, ms", streamed, streaming);
    printPairs("cold message → first delta, ms", cold, firstDelta);
    printSteps(cold, arrivals);
    printTable("without a sandbox, ms", [["POST /sessions/create", create]]);
    console.log(`load average at the end ${load()}`);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

await main();
