/**
 * npm run soak -- --minutes 20: the real server with many sessions, agents at work, and people who come and go, killed
 * and started again once a minute. Writes each sample to a CSV, a plot, and how memory and descriptors grow by turns.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startScriptedModel } from "@hhopkins/agent-runtime-testkit";
import { makeCommand } from "../../scripts/test-command.ts";
import { processTree } from "../testing/process-tree.ts";
import { API_KEY } from "../testing/runtime-under-test.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { newCounts, type Address } from "./counts.ts";
import { plot } from "./plot.ts";
import { csv, liveMemory, mean, readProcess, slope, type Quiet, type Sample } from "./samples.ts";
import { talk } from "./talk.ts";
import { visit } from "./visitor.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "20" },
    sessions: { type: "string", default: "200" },
    /** Conversations at once; fewer than may have a sandbox, for one that is left keeps its own for a while. */
    talkers: { type: "string", default: "6" },
    visitors: { type: "string", default: "30" },
    /** Of so many kills one is of the server; the others are of a sandbox each. */
    "server-every": { type: "string", default: "1" },
    plot: { type: "string", default: "docs/images/soak.svg" },
    csv: { type: "string", default: "test-results/soak.csv" },
  },
});
const TELL_MEMORY = new URL("tell-memory.mjs", import.meta.url).href;
const SANDBOXES = 12;
const SESSION = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
/** Of a conversation. After one round of conversations the sessions are as long as they ever get. */
const TURNS = 4;
const SAMPLE_MS = 2000;
const QUIET_MS = 20_000;
/** Of so many samples one collects the server's garbage first: rarely, for that stops the server. */
const LIVE_EVERY = 10;
/** Younger, a process still grows to its size, which says nothing about what it loses. */
const GROWN_S = 25;

const counts = newCounts();
const address: Address = { url: "" };
const stop = new AbortController();
const samples: Sample[] = [];
const sessions: string[] = [];
/** The server when nobody is there and no sandbox runs: what it holds then it holds for nobody. */
const quiet: Quiet[] = [];

async function main(): Promise<void> {
  await makeCommand();
  for (const file of [values.csv, values.plot]) await mkdir(dirname(file), { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-soak-"));
  const model = await startScriptedModel({ keepRequests: 1 });
  const start = (): Promise<ServerProcess> =>
    startServerProcess({
      folder,
      modelUrl: model.url,
      flags: ["--max-sandboxes", String(SANDBOXES), "--idle-timeout-ms", "8000"],
      // A small young generation: RSS follows what is alive instead of what V8 has not yet given back.
      environment: {
        NODE_OPTIONS: `--max-semi-space-size=4 --import=${TELL_MEMORY}`,
        SOAK_MEMORY: join(folder, "memory"),
      },
    });
  let server = await start();
  let born = performance.now();
  address.url = server.url;
  try {
    await createSessions(server);
    const began = performance.now();
    let next = 0;
    const runFor = async (minutes: number): Promise<void> => {
      const end = performance.now() + minutes * 60_000;
      next = performance.now() - began + SAMPLE_MS;
      const phase = new AbortController();
      const signal = AbortSignal.any([stop.signal, phase.signal]);
      const parts = { address, counts, key: API_KEY, signal };
      const work = [
        ...Array.from({ length: Number(values.talkers) }, (_, index) => converse(index, signal)),
        ...Array.from({ length: Number(values.visitors) }, () => visit({ ...parts, choose: anySession })),
      ];
      for (; performance.now() < end; next += SAMPLE_MS) {
        await delay(Math.max(0, began + next - performance.now()));
        const seconds = (performance.now() - began) / 1000;
        // Half a minute after each full one, so that the last life is as long as the others.
        const killed = counts.kills + counts.sandboxKills;
        const due = seconds > 30 + killed * 60;
        if (due && killed % Number(values["server-every"]) !== 0) {
          if (await killSandbox(join(folder, "data", "sandboxes"))) counts.sandboxKills += 1;
        } else if (due) {
          counts.kills += 1;
          await server.end("SIGKILL");
          server = await start();
          born = performance.now();
          address.url = server.url;
        }
        await sample({ pid: server.pid, folder }, { seconds, age: (performance.now() - born) / 1000 });
      }
      phase.abort();
      await Promise.all(work);
      quiet.push(await quietMoment(server.pid, folder));
    };
    const minutes = Number(values.minutes);
    const first = Math.max(minutes / 4, minutes - 15);
    await runFor(first);
    await runFor(minutes - first);
    await report();
  } finally {
    stop.abort();
    await server.end("SIGKILL");
    await endSandboxes(folder);
    await model.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function createSessions(server: ServerProcess): Promise<void> {
  for (let count = 0; count < Number(values.sessions); count++) {
    const created = await server.request("POST", "/sessions/create", SESSION);
    sessions.push(((await created.json()) as { sessionId: string }).sessionId);
  }
}

function anySession(): string {
  return sessions[Math.floor(Math.random() * sessions.length)] ?? "";
}

/** One conversation after another, over the sessions in turn. One that has had its own is deleted, and another takes its place. */
async function converse(index: number, signal: AbortSignal): Promise<void> {
  for (let at = index; !signal.aborted; at += Number(values.talkers)) {
    const place = at % sessions.length;
    if (at >= sessions.length) sessions[place] = await replace(sessions[place] ?? "");
    const sessionId = sessions[place] ?? "";
    await talk({ address, counts, key: API_KEY, signal, sessionId, turns: TURNS, pauseMs: 1000 });
  }
}

/** Waits until no sandbox is left, and looks at the server then. */
async function quietMoment(pid: number, folder: string): Promise<Quiet> {
  const deadline = performance.now() + 5 * 60_000;
  while ((await sandboxesIn(join(folder, "data", "sandboxes"))) > 0 && performance.now() < deadline) await delay(500);
  // Connections that were cut are noticed, and sessions without a sandbox unloaded.
  await delay(QUIET_MS);
  const liveMib = await liveMemory(pid, join(folder, "memory"));
  const found = await readProcess(pid);
  if (found === null) throw new Error("the server ended by itself");
  const moment = { pid, turns: counts.turns, liveMib, ...found };
  console.log(`quiet: ${JSON.stringify(moment)}`);
  return moment;
}

async function replace(sessionId: string): Promise<string> {
  await persist("DELETE", `/sessions/${sessionId}`);
  const created = await persist("POST", "/sessions/create", SESSION);
  return created?.sessionId ?? sessionId;
}

/** Asks until there is a server that does it; what is deleted already is as well. */
async function persist(method: string, path: string, body?: unknown): Promise<{ sessionId?: string } | null> {
  const headers = { "x-api-key": API_KEY, "content-type": "application/json" };
  while (!stop.signal.aborted) {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${address.url}${path}`, { method, headers, ...content }).catch(() => null);
    const text = (await response?.text().catch(() => "")) ?? "";
    if (response?.status === 201) return JSON.parse(text) as { sessionId: string };
    if (response?.status === 204 || response?.status === 404) return null;
    await delay(300);
  }
  return null;
}

async function sample(
  { pid, folder }: { pid: number; folder: string },
  time: { seconds: number; age: number },
): Promise<void> {
  const found = await readProcess(pid);
  if (found === null) throw new Error("the server ended by itself");
  const { turns, reconnects, kills } = counts;
  const due = samples.length % LIVE_EVERY === 0;
  const liveMib = due ? await liveMemory(pid, join(folder, "memory")) : (samples.at(-1)?.liveMib ?? Number.NaN);
  const next = {
    ...time,
    ...found,
    liveMib,
    sandboxes: await sandboxesIn(join(folder, "data", "sandboxes")),
    turns,
    reconnects,
    kills,
  };
  samples.push(next);
  await writeFile(values.csv, csv(samples));
  if (samples.length % 15 === 0)
    console.log(csv([next]).split("\n")[1], `failed ${counts.failed.length}, faults ${counts.faults.length}`);
}

/** Kills the first process of one of them, which ends them all. */
async function killSandbox(folder: string): Promise<boolean> {
  const [name] = (await readdir(folder).catch(() => [])).toSorted(() => Math.random() - 0.5);
  const record = await readFile(join(folder, name ?? "", "sandbox.json"), "utf8").catch(() => "{}");
  const { process: first } = JSON.parse(record) as { process?: { pid: number } };
  const tree = first === undefined ? [] : await processTree(first.pid);
  // The record may be old: only what still is a sandbox is ended.
  if (first === undefined || !tree.some(({ command }) => command.includes("runner.mjs"))) return false;
  process.kill(first.pid, "SIGKILL");
  return true;
}

/** Each has a folder from its start to its end. */
async function sandboxesIn(folder: string): Promise<number> {
  return (await readdir(folder).catch(() => [])).length;
}

async function report(): Promise<void> {
  const last = samples.at(-1);
  if (last === undefined) return;
  const minutes = last.seconds / 60;
  const { kills, sandboxKills, lostTurns } = counts;
  const others = sandboxKills > 0 ? ` of the server and ${sandboxKills} of a sandbox` : "";
  const title = `${values.sessions} sessions, ${last.turns} turns, ${last.reconnects} reconnects, ${kills} kills${others} in ${minutes.toFixed(0)} minutes`;
  await writeFile(values.plot, plot(samples, title));
  console.log(
    `\n${title}: ${(last.turns / minutes).toFixed(0)} turns and ${(last.reconnects / minutes).toFixed(0)} reconnects a minute`,
  );
  console.log(
    `events seen ${counts.events}, missed or doubled ${counts.faults.length}, turns ended by the kill of their sandbox ${lostTurns}, by anything else ${counts.failed.length}`,
  );
  for (const line of [...counts.faults, ...counts.failed].slice(0, 20)) console.log(`  ${line}`);
  const grown = samples.filter(({ seconds, age }) => seconds > last.seconds - 15 * 60 && age > GROWN_S);
  const lives = Map.groupBy(grown, ({ kills }) => kills);
  const [before, after] = quiet;
  if (before !== undefined && after !== undefined) {
    const each = (of: "rssMib" | "liveMib" | "descriptors"): string =>
      ((after[of] - before[of]) / ((after.turns - before.turns) / 1000)).toFixed(2);
    console.log(
      `growth a 1,000 turns from one quiet moment to the next${before.pid === after.pid ? "" : ", of two processes"}: ` +
        `${each("liveMib")} MiB after a garbage collection, ${each("rssMib")} MiB of RSS, ${each("descriptors")} descriptors`,
    );
  }
  const means = [...lives.values()].map((life) => mean(life.map(({ rssMib }) => rssMib)).toFixed(0));
  console.log(
    `last 15 minutes, samples of processes older than ${GROWN_S} s, mean RSS of each life in MiB: ${means.join(" ")}`,
  );
  for (const [of, unit] of [
    ["liveMib", "MiB after a garbage collection"],
    ["rssMib", "MiB of RSS"],
    ["descriptors", "descriptors"],
  ] as const) {
    // Processes of the same age beside each other: what is left is what later lives have more than earlier ones.
    const across = slope(grown, of, ({ age }) => Math.round(age / 4));
    const within = slope(grown, of, (one) => one.kills);
    console.log(
      `growth a 1,000 turns, ${unit}: from life to life ${across.toFixed(2)}, within lives ${within.toFixed(2)}`,
    );
  }
}

await main();
