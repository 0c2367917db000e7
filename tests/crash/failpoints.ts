import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const ROOTS = ["../../packages/runtime/src/", "../../packages/runner/src/"];

/**
 * Points that a turn here does not come to: in an application's own tools, in what people answer, in a session that goes
 * back, and in files that people write. `tests/host-tools/restarts.test.ts`, `tests/asks/survival.test.ts`, `tests/fork` and
 * `tests/files/killed.test.ts` kill there.
 */
const ELSEWHERE = /^(host-tool|answer|continue|rewind|file):/;

/** Every failpoint that stands in the sources, once. */
export async function failpointsInSources(): Promise<string[]> {
  const found = new Set<string>();
  for (const root of ROOTS) {
    const folder = fileURLToPath(new URL(root, import.meta.url));
    for (const name of await readdir(folder, { recursive: true })) {
      if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
      const source = await readFile(`${folder}${name}`, "utf8");
      for (const [, point = ""] of source.matchAll(/\bfailpoint(?:AfterAnswer)?\("([^"]+)"\)/g)) found.add(point);
    }
  }
  return [...found].filter((point) => !ELSEWHERE.test(point)).toSorted();
}

/** Points that are passed many times in a turn: which time it is to be. Not named: the first. */
const COUNTS: Readonly<Record<string, number>> = { append: 9, publish: 9, receive: 9, forget: 5, journal: 12 };

/** The failpoint as the server's environment has it. */
export function inMidTurn(point: string): string {
  return `${point}:${COUNTS[point.split(":")[0] ?? ""] ?? 1}`;
}

export interface FailpointRow {
  readonly failpoint: string;
  readonly reached: boolean;
  readonly killed: boolean;
  readonly outcome: string;
}

export function failpointTable(rows: readonly FailpointRow[]): string {
  const line = (...cells: string[]): string => cells.map((cell, at) => cell.padEnd([24, 9, 9, 0][at] ?? 0)).join("");
  const yes = (value: boolean): string => (value ? "yes" : "NO");
  return [
    line("failpoint", "reached", "killed", "outcome"),
    ...rows.map((row) => line(row.failpoint, yes(row.reached), yes(row.killed), row.outcome)),
  ].join("\n");
}
