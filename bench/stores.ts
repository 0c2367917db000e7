/**
 * Stores, each beside the bare driver on the same database, in the same run: appends by batch size, the tail of a long
 * log, pages of a list of many sessions, opening a session of many blocks, saving one file among many. A ratio is the
 * bare driver's median over ours: 1.00 is as fast.
 * `npm run bench -- stores [--stores sqlite,postgres,mysql] [--sessions 1000000] [--events 1000000] [--calls 200]`
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { load, printMachine } from "./report.ts";
import { summarize } from "./statistics.ts";
import { fillBlocks, fillFiles, fillLog, fillSessions } from "./stores/filling.ts";
import {
  measureAppends,
  measureLists,
  measureOpening,
  measureSaving,
  measureTail,
  type Measured,
  type Sizes,
} from "./stores/measures.ts";
import { mysqlUnderBench } from "./stores/mysql.ts";
import { postgresUnderBench } from "./stores/postgres.ts";
import { sqliteUnderBench } from "./stores/sqlite.ts";
import type { StoreUnderBench } from "./stores/store-under-bench.ts";

const STORES: Readonly<Record<string, (folder: string) => Promise<StoreUnderBench>>> = {
  sqlite: sqliteUnderBench,
  postgres: postgresUnderBench,
  mysql: mysqlUnderBench,
};

const { values } = parseArgs({
  options: {
    stores: { type: "string", default: Object.keys(STORES).join(",") },
    sessions: { type: "string", default: "1000000" },
    events: { type: "string", default: "1000000" },
    blocks: { type: "string", default: "10000" },
    files: { type: "string", default: "10000" },
    calls: { type: "string", default: "200" },
  },
});

const sizes: Sizes = {
  sessions: Number(values.sessions),
  events: Number(values.events),
  blocks: Number(values.blocks),
  files: Number(values.files),
  calls: Number(values.calls),
};

async function measure(under: StoreUnderBench): Promise<Measured[]> {
  const started = performance.now();
  await fillLog(under, "tail", sizes.events);
  await fillSessions(under, sizes.sessions);
  await fillBlocks(under, "blocks", sizes.blocks);
  await fillFiles(under, "files", sizes.files);
  await under.settle();
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  console.log(`${under.name} (${under.version}), filled in ${seconds} s; load average ${load()}`);
  return [
    ...(await measureAppends(under, sizes)),
    await measureTail(under, sizes),
    ...(await measureLists(under, sizes)),
    await measureOpening(under, sizes),
    await measureSaving(under, sizes),
  ];
}

function print(all: readonly Measured[]): void {
  const width = Math.max(...all.map(({ name }) => name.length));
  const line = (name: string, cells: readonly string[]): string =>
    `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(11)).join("")}`;
  console.log(line("milliseconds a call", ["n", "ours", "p95", "bare", "rows/s", "ratio"]));
  for (const { name, rows, ours, bare } of all) {
    const [mine, other] = [summarize(ours), summarize(bare)];
    const perSecond = name.startsWith("append") ? ((rows * 1_000) / mine.median).toFixed(0) : "";
    const ratio = (other.median / mine.median).toFixed(2);
    const cells = [mine.median.toFixed(3), mine.p95.toFixed(3), other.median.toFixed(3), perSecond, ratio];
    console.log(line(name, [String(mine.n), ...cells]));
  }
  console.log("");
}

printMachine();
for (const name of values.stores.split(",")) {
  const begin = STORES[name];
  if (begin === undefined) throw new Error(`--stores ${name}: it can be ${Object.keys(STORES).join(", ")}.`);
  const folder = mkdtempSync(join(tmpdir(), "agent-runtime-bench-"));
  // A database server is another user, who has to come through.
  chmodSync(folder, 0o711);
  try {
    await using under = await begin(folder);
    print(await measure(under));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
