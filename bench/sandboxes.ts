/**
 * How soon a sandbox is there, and what programs and files in it take: each provider beside the bare technology below it,
 * in turns. Then whole sessions: the first delta of a first message, cold and with a warm pool, and of a later one.
 *   npm run bench -- sandboxes --rounds 10 --execs 5 --sessions 8 --providers local,docker
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { SandboxProvider } from "@hhopkins/agent-runtime";
import { load, printBeside, printMachine, type BesideRow } from "./report.ts";
import type { Bare, Step } from "./sandboxes/bare.ts";
import { GROUNDS, type Ground } from "./sandboxes/grounds.ts";
import { providerOf } from "./sandboxes/place.ts";
import { measureSessions, type SessionRound } from "./sandboxes/sessions.ts";
import { measureSteps, type Steps } from "./sandboxes/steps.ts";

const { values } = parseArgs({
  options: {
    providers: { type: "string", default: Object.keys(GROUNDS).join(",") },
    /** Sandboxes of each provider; one more is not counted. 0: none, sessions alone. */
    rounds: { type: "string", default: "10" },
    /** Programs in each. */
    execs: { type: "string", default: "5" },
    /** First messages of each kind; 0: no sessions. */
    sessions: { type: "string", default: "8" },
  },
});

interface Subject {
  readonly ground: Ground;
  readonly folder: string;
  readonly provider: SandboxProvider;
  readonly steps: Steps[];
  readonly bare: Map<Bare, number[]>;
}

async function openSubjects(folder: string, stop: AsyncDisposableStack): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const name of values.providers.split(",")) {
    const open = GROUNDS[name];
    if (open === undefined)
      throw new Error(`There is no provider ${name}; there are ${Object.keys(GROUNDS).join(", ")}.`);
    const own = join(folder, name);
    await mkdir(own);
    const ground = await open(own).catch((error: unknown) => {
      console.log(`${name} is left out: ${String(error)}\n`);
    });
    if (ground === undefined) continue;
    stop.defer(() => ground.close());
    const provider = providerOf(ground.place, own);
    stop.defer(async () => provider.close?.());
    subjects.push({ ground, folder: own, provider, steps: [], bare: new Map(ground.bare.map((bare) => [bare, []])) });
  }
  return subjects;
}

/** Who goes first changes from round to round, among providers and between each and the bare technology. */
async function measureRound(subjects: readonly Subject[], round: number): Promise<void> {
  for (let turn = 0; turn < subjects.length; turn++) {
    const subject = subjects[(round + turn) % subjects.length];
    if (subject === undefined) continue;
    const { provider, steps, bare } = subject;
    const ours = async (): Promise<void> => {
      const found = await measureSteps(provider, Number(values.execs));
      if (round > 0) steps.push(found);
    };
    const theirs = async (): Promise<void> => {
      for (const [each, times] of bare) {
        const ms = await each.measure();
        if (round > 0) times.push(ms);
      }
    };
    for (const measure of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) await measure();
  }
}

async function measureRounds(subjects: readonly Subject[], rounds: number): Promise<void> {
  for (let round = 0; round <= rounds; round++) await measureRound(subjects, round);
  for (const subject of subjects) printSteps(subject);
}

function printSteps({ ground, steps, bare }: Subject): void {
  const below = (step: Step): [Bare, number[]][] => [...bare].filter(([each]) => each.step === step);
  const part = (step: Step, ours: readonly (readonly [name: string, values: readonly number[]])[]): BesideRow[] => [
    ...ours.map(([name, times]) => ({ name, values: times, beside: below(step)[0]?.[1] })),
    ...below(step).map(([{ name }, times]) => ({ name: `  ${name}`, values: times })),
  ];
  printBeside(`${ground.place.provider} (${ground.about}), ms`, "× bare", [
    ...part("ready", [["sandbox ready, cold", steps.map(({ ready }) => ready)]]),
    ...part("exec", [
      ["exec of true, a sandbox's first", steps.map(({ firstExec }) => firstExec)],
      ["exec of true, later", steps.flatMap(({ execs }) => execs)],
    ]),
    ...part("write", [["8 MiB written", steps.map(({ write }) => write)]]),
    ...part("read", [["8 MiB read", steps.map(({ read }) => read)]]),
  ]);
}

function printSessions({ ground }: Subject, rounds: readonly SessionRound[]): void {
  const warm = rounds.map((round) => round.warm);
  printBeside(`${ground.place.provider}: message → …, ms`, "× warm", [
    { name: "first delta, first message, cold", values: rounds.map(({ cold }) => cold), beside: warm },
    { name: "first delta, first message, warm pool", values: rounds.map(({ pool }) => pool), beside: warm },
    { name: "first delta, later message (warm)", values: warm },
    { name: "pool over warm, by rounds", values: rounds.map((round) => round.pool - round.warm) },
    { name: "sandbox ready, cold", values: rounds.map(({ coldReady }) => coldReady) },
    { name: "sandbox ready, claimed from the pool", values: rounds.map(({ poolReady }) => poolReady) },
  ]);
}

async function main(): Promise<void> {
  printMachine();
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-bench-"));
  try {
    await using stop = new AsyncDisposableStack();
    const subjects = await openSubjects(folder, stop);
    if (Number(values.rounds) > 0) await measureRounds(subjects, Number(values.rounds));
    for (const subject of Number(values.sessions) > 0 ? subjects : []) {
      const { ground, folder: own } = subject;
      printSessions(
        subject,
        await measureSessions({ place: ground.place, folder: own, rounds: Number(values.sessions) }),
      );
    }
    console.log(`load average at the end ${load()}`);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

await main();
