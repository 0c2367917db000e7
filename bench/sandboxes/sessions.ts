import { EventEmitter, once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { script } from "@hhopkins/agent-runtime-testkit";
import { firstDelta, type Answer } from "../answer.ts";
import { startChild, type Child } from "../child.ts";
import { connectRuntime, type RuntimeClient } from "../runtime-client.ts";
import type { Place } from "./place.ts";
import type { SessionServerOptions } from "./session-server.ts";

const MESSAGE = `Say something. ${script([{ text: "Here is something, in a few words." }])}`;
const API_KEY = "key-of-the-benchmark";
/** A person thinks before a message; what the last turn's end sets off is not in its time. */
const THINK_MS = 250;

/** One round: all three in turns, each from the message to what the client saw; milliseconds. */
export interface SessionRound {
  /** The first message of a session whose sandbox it starts. */
  readonly cold: number;
  /** The same, with a warm pool. */
  readonly pool: number;
  /** A later message. */
  readonly warm: number;
  /** Until the client is told that the sandbox is ready. */
  readonly coldReady: number;
  readonly poolReady: number;
}

export interface SessionsOptions {
  readonly place: Place;
  readonly folder: string;
  readonly rounds: number;
}

/** Whole sessions, over REST and WebSocket. The first round is not counted: it builds what a place keeps, as images are. */
export async function measureSessions({ place, folder, rounds }: SessionsOptions): Promise<SessionRound[]> {
  await using model = await startChild("./model-process.ts");
  const given = { place, modelUrl: `http://127.0.0.1:${model.port}`, apiKey: API_KEY };
  await using plain = await startServer({ ...given, folder: join(folder, "plain"), warm: 0 });
  const client = connectRuntime(plain.port, API_KEY);
  const { sessionId } = await client.create();
  using session = await client.follow(sessionId);
  await session.ask(MESSAGE);
  const pool = warmPool();
  await using pooled = await startServer({ ...given, folder: join(folder, "pooled"), warm: 1 }, pool.onMessage);
  const pooledClient = connectRuntime(pooled.port, API_KEY);
  const found: SessionRound[] = [];
  for (let round = -1; round < rounds; round++) {
    const ways: Record<"cold" | "pool" | "warm", () => Promise<Answer>> = {
      cold: () => askFirst(client),
      pool: async () => {
        await pool.claim();
        return askFirst(pooledClient);
      },
      warm: () => session.ask(MESSAGE),
    };
    const { cold, pool: claimed, warm } = await inTurns(ways, round + 1);
    if (claimed.steps["sandbox starting"] !== undefined) throw new Error("this sandbox was not the pool's");
    if (round < 0) continue;
    found.push({
      cold: firstDelta(cold),
      pool: firstDelta(claimed),
      warm: firstDelta(warm),
      coldReady: readyAfter(cold),
      poolReady: readyAfter(claimed),
    });
  }
  await client.remove(sessionId);
  return found;
}

async function startServer(options: SessionServerOptions, onMessage?: (message: unknown) => void): Promise<Child> {
  await mkdir(options.folder, { recursive: true });
  const args = [JSON.stringify(options)];
  return startChild("./sandboxes/session-server.ts", { args, ...(onMessage === undefined ? {} : { onMessage }) });
}

/** Counts what the server says is ready in its pool of one, and what was claimed of it. */
function warmPool(): { onMessage(message: unknown): void; claim(): Promise<void> } {
  const news = new EventEmitter();
  let ready = 0;
  return {
    onMessage() {
      ready += 1;
      news.emit("ready");
    },
    async claim() {
      if (ready === 0) await once(news, "ready");
      ready -= 1;
    },
  };
}

async function askFirst(client: RuntimeClient): Promise<Answer> {
  const { sessionId } = await client.create();
  using session = await client.follow(sessionId);
  await delay(THINK_MS);
  const answer = await session.ask(MESSAGE);
  await client.remove(sessionId);
  return answer;
}

/** Who begins changes from round to round. */
async function inTurns<Name extends string>(
  ways: Record<Name, () => Promise<Answer>>,
  round: number,
): Promise<Record<Name, Answer>> {
  const names = Object.keys(ways) as Name[];
  const answers: Partial<Record<Name, Answer>> = {};
  for (let turn = 0; turn < names.length; turn++) {
    const name = names[(round + turn) % names.length];
    if (name === undefined) continue;
    await delay(THINK_MS);
    answers[name] = await ways[name]();
  }
  return answers as Record<Name, Answer>;
}

function readyAfter({ sentAt, steps }: Answer): number {
  return (steps["sandbox ready"] ?? Number.NaN) - sentAt;
}
