import { setTimeout as delay } from "node:timers/promises";
import { startModelLog } from "../model-log.ts";
import { seeded } from "../seeded.ts";
import type { TestDatabase } from "../../testing/test-database.ts";
import { settle, startWorker, type Worker } from "../worker.ts";
import { strike, type Blow, type BlowKind } from "./blows.ts";
import { Fleet } from "./fleet.ts";
import type { NodeReport } from "./node-report.ts";
import { SseLog } from "./sse-log.ts";
import { ownedTwice } from "./writes-audit.ts";

export interface NodeCrashOptions {
  readonly nodes: number;
  readonly rounds: number;
  readonly seed: number;
  readonly sessions: number;
  readonly leaseMs: number;
  readonly database: TestDatabase;
  /** More flags of each server. */
  readonly flags?: readonly string[];
  /** Each has a gateway that is a process of its own. */
  readonly gateway?: boolean;
  /** Nothing but these, each as often. */
  readonly only?: readonly BlowKind[];
  readonly onRound?: (round: number, line: string) => void;
}

/** Even the shortest run has these. */
const FIRST: readonly BlowKind[] = ["pause", "kill", "restart"];
/** How often each is chosen then. */
const KINDS: readonly (readonly [BlowKind, number])[] = [
  ["kill", 0.4],
  ["pause", 0.35],
  ["restart", 0.17],
  ["sandbox", 0.08],
];

/**
 * A round: sessions work on several nodes, one of which is killed, stopped for longer than its lease, or restarted, at
 * a random moment; at times a sandbox is ended instead. Then the accounts are compared, with the database's own.
 */
export async function runNodeCrash(options: NodeCrashOptions): Promise<NodeReport> {
  const since = performance.now();
  const random = seeded(options.seed);
  const { database, leaseMs, nodes, flags = [], gateway = false } = options;
  await using model = await startModelLog();
  await using fleet = await Fleet.open({ nodes, modelUrl: model.url, database, leaseMs, flags, gateway, random });
  const over = new AbortController();
  const workers = await Promise.all(
    Array.from({ length: options.sessions }, (_, index) => startWorker(fleet, index, { random, over: over.signal })),
  );
  const streams = workers.map(({ client }) => new SseLog(fleet.url, client.sessionId));
  const faults: string[] = [];
  const scene = { fleet, workers, leaseMs, random, faults };
  const blows: Blow[] = [];
  const failed = Promise.all(workers.map(({ done }) => done)).then(() => new Promise<never>(() => undefined));
  const nextKind = (round: number, { only }: NodeCrashOptions): BlowKind =>
    only?.[Math.floor(random() * only.length)] ?? FIRST[round - 1] ?? chosen(random());
  for (let round = 1; round <= options.rounds; round += 1) {
    await Promise.race([failed, ...workers.map(({ client }) => client.until(() => client.running))]);
    // A harness whose answer broke waits longer and longer before it asks again: some rounds let it come far.
    await delay(random() < 0.4 ? random() * 4000 : random() * 700);
    const blow = await strike(scene, nextKind(round, options));
    blows.push(blow);
    for (const { client, hit } of blow.hit)
      for (const message of client.state?.turn?.messageIds ?? []) hit.add(message);
    const turns = workers.reduce((sum, worker) => sum + worker.turns.length, 0);
    options.onRound?.(
      round,
      `round ${round}: ${blow.kind} hit ${blow.hit.length}, ${turns} turns, ${faults.length} faults`,
    );
  }
  over.abort();
  await Promise.all(workers.map(({ done }) => done));
  const accounts = await Promise.all(workers.map((worker) => settle(fleet, model, worker)));
  const last = (worker: Worker): number => worker.client.state?.lastSeq ?? 0;
  for (const [index, worker] of workers.entries()) await streams[index]?.reach(last(worker));
  for (const one of [...workers.map(({ client }) => client), ...streams]) one.stop();
  const audit = await ownedTwice(database);
  const sum = (of: (worker: Worker) => number): number => workers.reduce((total, worker) => total + of(worker), 0);
  const lines = fleet.nodes.flatMap((node) => node.lines());
  const told = (text: string): number => lines.filter((line) => line.includes(text)).length;
  return {
    store: database.kind,
    nodes: options.nodes,
    leaseMs,
    seed: options.seed,
    rounds: options.rounds,
    blows,
    events: sum(({ client }) => client.events),
    streamed: streams.reduce((total, { events }) => total + events, 0),
    retracted: sum(({ client }) => client.retracted),
    turns: sum(({ turns }) => turns.length),
    sandboxLost: sum(({ client }) => [...client.failures.values()].filter((code) => code === "sandbox_lost").length),
    continued: sum(({ client, hit }) => [...hit].filter((message) => client.ends.get(message) === "completed").length),
    completed: accounts.reduce((total, { completed }) => total + completed, 0),
    lost: accounts.flatMap(({ lost }) => lost),
    doubled: [...accounts.flatMap(({ doubled }) => doubled), ...streams.flatMap(({ breaks }) => breaks)],
    short: accounts.flatMap(({ short }) => short),
    writes: audit.writes,
    ownedTwice: audit.faults,
    letGo: told("it is let go"),
    refusedWrites: told("another server owns it"),
    refusedStreams: told("the runner refused the stream"),
    faults,
    seconds: (performance.now() - since) / 1000,
  };
}

function chosen(at: number): BlowKind {
  let below = 0;
  for (const [kind, share] of KINDS) {
    below += share;
    if (at < below) return kind;
  }
  return "kill";
}
