/**
 * How the console feels: in Chromium without a window, before a runtime of its own on SQLite, whose agents are a feed.
 * Each figure stands beside its aim. The machine's other work is in the figures: see the load, and measure again.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { launchChromium } from "../tests/testing/launch-chromium.ts";
import { startChild } from "./child.ts";
import { openTab, type Browser, type ConsoleTab, type Held } from "./console/console-page.ts";
import { feedClient, type FeedClient } from "./console/feed-client.ts";
import { mainThreadTasks, TRACED } from "./console/main-thread.ts";
import { endWord } from "./fanout/order.ts";
import { load, printMachine } from "./report.ts";
import { summarize } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    deltas: { type: "string", default: "5000" },
    rate: { type: "string", default: "500" },
    frames: { type: "string", default: "1000" },
    blocks: { type: "string", default: "10000" },
    opens: { type: "string", default: "10" },
    switches: { type: "string", default: "50" },
    /** One of the measures alone: `first`, `deltas`, `frames`, `opening`, `switching`. */
    only: { type: "string" },
    /** Where the built console is, if not where the build puts it. */
    built: { type: "string" },
  },
});

const KEY = "key-of-the-benchmark";
/** What an agent might say. */
const TEXT = [
  "Here is what I found, **in short**: the `parser` drops the last token when a line ends without a break.\n\n",
  "- it reads by chunks\n- a chunk may end amid a token\n- the rest is _not_ kept\n\n",
  "```ts\nexport function rest(text: string): string {\n  return text.slice(text.lastIndexOf(';') + 1);\n}\n```\n\n",
  "I keep the rest, and join it with the next chunk. A test for it is in `parser.test.ts`.\n\n",
].join("");

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly aim: string;
  readonly isMet: boolean;
}

const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;

interface Ground {
  readonly feed: FeedClient;
  readonly tab: () => Promise<ConsoleTab>;
  readonly browser: Browser;
}

/** Everything that comes before the list of sessions is there. */
async function firstView({ tab }: Ground): Promise<Figure[]> {
  await using console = await tab();
  await console.page.waitForLoadState("networkidle");
  const bytes = [...console.files.values()].reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
  const value = `${(bytes / 1000).toFixed(1)} kB in ${console.files.size} files`;
  return [{ name: "first view, gzipped", value, aim: "≤ 300 kB", isMet: bytes <= 300_000 }];
}

/** Thousands of deltas into one block, at a pace and as fast as they come. */
async function oneBlock({ feed, tab, browser }: Ground): Promise<Figure[]> {
  const deltas = Number(values.deltas);
  const figures: Figure[] = [];
  for (const perSecond of [Number(values.rate), undefined]) {
    const sessionId = await feed.create();
    await feed.order(sessionId, { deltas: 40, chars: 100, text: TEXT, blockDeltas: 4, end: "BEGIN" });
    await feed.idle(sessionId);
    await using console = await tab();
    await console.open(sessionId, "|BEGIN|");
    await console.page.waitForTimeout(1000);
    await console.reset();
    const pace = perSecond === undefined ? {} : { perSecond };
    await browser.startTracing(console.page, { categories: TRACED });
    await feed.order(sessionId, { deltas, chars: 3, text: TEXT, blockDeltas: deltas, end: "END", ...pace });
    await console.until("|END|");
    const tasks = mainThreadTasks(await browser.stopTracing());
    const { longTasks } = await console.noted();
    const name = `${deltas} deltas into one block, ${perSecond === undefined ? "at once" : `${perSecond} a second`}`;
    const longest = Math.max(...tasks);
    figures.push(
      {
        name: `${name}: long tasks, by the clock`,
        value: longTasks.length === 0 ? "0" : `${longTasks.length}, longest ${milliseconds(Math.max(...longTasks))}`,
        aim: "0 over 50 ms",
        isMet: longTasks.length === 0,
      },
      {
        name: `${name}: longest task, of its own time`,
        value: `${milliseconds(longest)} of ${milliseconds(tasks.reduce((sum, one) => sum + one, 0))}`,
        aim: "≤ 50 ms",
        isMet: tasks.length > 0 && longest <= 50,
      },
    );
  }
  return figures;
}

/** A frame's way from the line to the screen, while words come as fast as a model says them. */
async function frames(ground: Ground): Promise<Figure[]> {
  const { feed, tab } = ground;
  const count = Number(values.frames);
  const sessionId = await feed.create();
  await using console = await tab();
  await feed.order(sessionId, { deltas: 40, chars: 100, text: TEXT, blockDeltas: 4, end: "BEGIN" });
  await console.open(sessionId, "|BEGIN|");
  await feed.idle(sessionId);
  await console.reset();
  const chars = 16;
  const text = Array.from({ length: count }, (_, n) => `word @${n};`.padEnd(chars)).join("");
  const from = performance.now();
  const { own } = await traced(ground, console, async () => {
    await feed.order(sessionId, { deltas: count, chars, text, blockDeltas: 200, perSecond: 100, end: "END" });
    return console.until("|END|");
  });
  const busy = (own / (performance.now() - from)) * 100;
  const { painted } = await console.noted();
  const { n, median, p95, max } = summarize(painted.map(({ ms }) => ms));
  const soon = (painted.filter(({ pictures }) => pictures <= 2).length / n) * 100;
  return [
    {
      name: "frame received → painted",
      value: `p50 ${milliseconds(median)}, p95 ${milliseconds(p95)}, max ${milliseconds(max)} (${n} frames)`,
      aim: "p95 ≤ 32 ms",
      isMet: p95 <= 32 && n > count / 2,
    },
    {
      name: "painted with the next picture of the screen, or the one after it",
      value: `${soon.toFixed(1)} %, the main thread busy for ${busy.toFixed(1)} % of the time`,
      aim: "≥ 95 %",
      isMet: soon >= 95,
    },
  ];
}

/** A long conversation, each time by a tab that has not seen it. */
async function opening(ground: Ground): Promise<Figure[]> {
  const { feed, tab } = ground;
  const blocks = Number(values.blocks);
  const sessionId = await feed.create();
  await feed.order(sessionId, { deltas: 2 * blocks, chars: 60, text: TEXT, blockDeltas: 2, end: "LAST" });
  await feed.idle(sessionId);
  const [fromList, byAddress]: [Opening[], Opening[]] = [[], []];
  for (let n = 0; n < Number(values.opens); n += 1) {
    await using console = await tab();
    await console.page.waitForLoadState("networkidle");
    const end = endWord({ end: "LAST" });
    fromList.push(await traced(ground, console, () => console.open(sessionId, end)));
    byAddress.push(await traced(ground, console, () => console.page.reload().then(() => console.until(end))));
  }
  return [
    ...opened(`session of ${blocks} blocks → first paint, from the list`, fromList),
    ...opened("the same, by loading its address", byAddress),
  ];
}

/** By the clock, and what the page's main thread took of the processor; milliseconds. */
interface Opening {
  readonly clock: number;
  readonly own: number;
}

async function traced({ browser }: Ground, { page }: ConsoleTab, open: () => Promise<number>): Promise<Opening> {
  await browser.startTracing(page, { categories: TRACED });
  const clock = await open();
  const tasks = mainThreadTasks(await browser.stopTracing());
  return { clock, own: tasks.reduce((sum, one) => sum + one, 0) };
}

function opened(name: string, openings: readonly Opening[]): Figure[] {
  if (openings.length === 0) return [];
  const clock = summarize(openings.map((one) => one.clock));
  const own = summarize(openings.map((one) => one.own));
  const valueOf = ({ min, median, max }: typeof clock): string =>
    `median ${milliseconds(median)} (${min.toFixed(0)}–${max.toFixed(0)})`;
  return [
    { name, value: valueOf(clock), aim: "≤ 500 ms", isMet: clock.median <= 500 },
    { name: `${name}: of its own time`, value: valueOf(own), aim: "≤ 500 ms", isMet: own.median <= 500 },
  ];
}

/** From session to session, and back. */
async function switching({ feed, tab }: Ground): Promise<Figure[]> {
  const switches = Number(values.switches);
  const sessions = await Promise.all(Array.from({ length: 10 }, () => feed.create()));
  for (const [n, sessionId] of sessions.entries()) {
    await feed.order(sessionId, { deltas: 600, chars: 60, text: TEXT, blockDeltas: 2, end: `S${n}` });
    await feed.idle(sessionId);
  }
  await using console = await tab();
  const held: Held[] = [];
  for (let n = 0; n <= switches; n += 1) {
    const own = n % sessions.length;
    await console.open(sessions[own] ?? "", endWord({ end: `S${own}` }));
    if (n % sessions.length === 0) held.push(await console.held());
  }
  const row = (name: string, unit: string, of: (held: Held) => number): Figure => {
    // The first round fills what is kept on purpose. What grows later is code that the engine compiles, and its own notes.
    const later = held.slice(2).map(of);
    const half = Math.ceil(later.length / 2);
    const growth = (mean(later.slice(-half)) / mean(later.slice(0, half)) - 1) * 100;
    const value = `${held.map((one) => of(one).toFixed(unit === "" ? 0 : 1)).join(" ")}${unit}: ${growth.toFixed(1)} %`;
    return {
      name: `${name}, every ${sessions.length} of ${switches} switches`,
      value,
      aim: "flat",
      isMet: growth <= 5,
    };
  };
  return [
    row("heap", " MB", ({ heapBytes }) => heapBytes / 1e6),
    row("nodes", "", ({ nodes }) => nodes),
    row("listeners", "", ({ listeners }) => listeners),
  ];
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

function print(figures: readonly Figure[]): void {
  const name = Math.max(...figures.map((figure) => figure.name.length));
  const value = Math.max(...figures.map((figure) => figure.value.length));
  for (const figure of figures) {
    const verdict = figure.isMet ? "met" : "MISSED";
    console.log(`${figure.name.padEnd(name)}  ${figure.value.padEnd(value)}  ${figure.aim.padEnd(12)}  ${verdict}`);
  }
}

const MEASURES = { first: firstView, deltas: oneBlock, frames, opening, switching };

async function main(): Promise<void> {
  printMachine();
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-bench-"));
  const browser = await launchChromium();
  try {
    await using server = await startChild("./console/console-process.ts", {
      args: [KEY, join(folder, "bench.db"), ...(values.built === undefined ? [] : [`${values.built}/`])],
    });
    const url = `http://127.0.0.1:${server.port}`;
    const ground: Ground = { browser, feed: feedClient(url, KEY), tab: () => openTab(browser, { url, key: KEY }) };
    const figures: Figure[] = [];
    for (const [name, measure] of Object.entries(MEASURES))
      if (values.only === undefined || values.only === name) figures.push(...(await measure(ground)));
    print(figures);
    console.log(`\nload average at the end ${load()}`);
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

await main();
