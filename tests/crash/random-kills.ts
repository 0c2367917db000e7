import { setTimeout as delay } from "node:timers/promises";
import { startModelLog } from "./model-log.ts";
import { dockerGround } from "./docker-ground.ts";
import { modalGround, type CloudGround } from "./modal-ground.ts";
import type { CrashReport } from "./report.ts";
import { seeded } from "./seeded.ts";
import { ServerUnderFire } from "./server-under-fire.ts";
import { settle, startWorker, type Worker } from "./worker.ts";

export interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly sessions: number;
  /** The gateway is a process of its own. */
  readonly gateway: boolean;
  /** Where the sandboxes are (local); docker: an engine of the tests; modal: its stand-in. */
  readonly sandbox?: "local" | "docker" | "modal";
  readonly onRound?: (round: number, line: string) => void;
}

/** A round: sessions work, at a random moment the server is killed (one time in eight once more as it starts), another one goes on. */
export async function runCrash(options: CrashOptions): Promise<CrashReport> {
  const since = performance.now();
  const random = seeded(options.seed);
  await using model = await startModelLog();
  await using cloud = await groundOf(options.sandbox ?? "local");
  const where = cloud === null ? {} : { cloud };
  await using server = await ServerUnderFire.open({ modelUrl: model.url, gateway: options.gateway, ...where });
  await server.start();
  const over = new AbortController();
  const workers = await Promise.all(
    Array.from({ length: options.sessions }, (_, index) => startWorker(server, index, { random, over: over.signal })),
  );
  const counts = { kills: 0, hits: 0 };
  const resumeMs: number[] = [];
  const running = (): Worker[] => workers.filter(({ client }) => client.running);
  const note = (): void => {
    counts.kills += 1;
    if (running().length > 0) counts.hits += 1;
    for (const { client, hit } of workers) for (const message of client.state?.turn?.messageIds ?? []) hit.add(message);
  };
  for (let round = 1; round <= options.rounds; round += 1) {
    await Promise.race(workers.map(({ client }) => client.until(() => client.running)));
    // A harness whose answer broke waits longer and longer before it asks again: some rounds let it come far.
    await delay(random() < 0.4 ? random() * 4000 : random() * 700);
    note();
    await server.kill();
    if (random() < 0.125) {
      note();
      await server.startAndKill(200 + random() * 900);
    }
    const next = running().map(({ client }) => client.nextEvent());
    // Each is awaited by the race below, or not at all.
    for (const one of next) one.catch(() => undefined);
    const starting = performance.now();
    await server.start();
    if (next.length > 0) resumeMs.push((await Promise.race(next)) - starting);
    options.onRound?.(
      round,
      `round ${round}: ${counts.kills} kills, ${workers.reduce((sum, { turns }) => sum + turns.length, 0)} turns`,
    );
  }
  over.abort();
  await Promise.all(workers.map(({ done }) => done));
  const accounts = await Promise.all(workers.map((worker) => settle(server, model, worker)));
  for (const { client } of workers) client.stop();
  const sum = (of: (worker: Worker) => number): number => workers.reduce((total, worker) => total + of(worker), 0);
  return {
    seed: options.seed,
    gateway: options.gateway,
    rounds: options.rounds,
    ...counts,
    events: sum(({ client }) => client.events),
    retracted: sum(({ client }) => client.retracted),
    turns: sum(({ turns }) => turns.length),
    continued: sum(({ client, hit }) => [...hit].filter((message) => client.ends.get(message) === "completed").length),
    completed: accounts.reduce((total, { completed }) => total + completed, 0),
    lost: accounts.flatMap(({ lost }) => lost),
    doubled: accounts.flatMap(({ doubled }) => doubled),
    short: accounts.flatMap(({ short }) => short),
    resumeMs: resumeMs.toSorted((a, b) => a - b),
    seconds: (performance.now() - since) / 1000,
  };
}

async function groundOf(sandbox: NonNullable<CrashOptions["sandbox"]>): Promise<CloudGround | null> {
  switch (sandbox) {
    case "local":
      return null;
    case "docker":
      return dockerGround();
    case "modal":
      return modalGround();
  }
}
