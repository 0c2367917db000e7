import { cpus, loadavg, totalmem } from "node:os";
import { summarize } from "./statistics.ts";

/** A named row of a table, with its measurements in milliseconds. */
export type Row = readonly [name: string, values: readonly number[]];

/** Prints what the figures depend on. */
export function printMachine(): void {
  const [cpu] = cpus();
  const memory = (totalmem() / 1024 ** 3).toFixed(0);
  console.log(
    `${new Date().toISOString()}  node ${process.version}  ${process.platform} ${process.arch}\n` +
      `${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${memory} GiB  load average ${load()}\n`,
  );
}

/** Of the last minute, five and fifteen. */
export function load(): string {
  return loadavg()
    .map((value) => value.toFixed(2))
    .join(" ");
}

export function printTable(title: string, rows: readonly Row[]): void {
  const width = Math.max(title.length, ...rows.map(([name]) => name.length));
  const columns = ["n", "min", "median", "p95", "max"] as const;
  console.log(`${title.padEnd(width)}  ${columns.map((column) => column.padStart(9)).join("")}`);
  for (const [name, values] of rows) {
    const summary = summarize(values);
    const cells = columns.map((column) => (column === "n" ? String(summary.n) : summary[column].toFixed(1)));
    console.log(`${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(9)).join("")}`);
  }
  console.log("");
}

/** A row with its measurements in milliseconds, and those that it is compared with. */
export interface BesideRow {
  readonly name: string;
  readonly values: readonly number[];
  readonly beside?: readonly number[] | undefined;
}

/** Medians and least values, and how many times as long as what stands beside it a row's median is. */
export function printBeside(title: string, ratio: string, rows: readonly BesideRow[]): void {
  const width = Math.max(title.length, ...rows.map(({ name }) => name.length));
  const line = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(9)).join("");
  console.log(`${title.padEnd(width)}  ${line(["n", "median", "min", ratio])}`);
  for (const { name, values, beside } of rows) {
    const { n, median, min } = summarize(values);
    const times = beside === undefined ? "" : (median / summarize(beside).median).toFixed(1);
    console.log(`${name.padEnd(width)}  ${line([String(n), median.toFixed(1), min.toFixed(1), times])}`.trimEnd());
  }
  console.log("");
}
