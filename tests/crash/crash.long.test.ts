import { expect, test } from "vitest";
import { runCrash } from "./random-kills.ts";
import { crashTable, faultsOf } from "./report.ts";

const HOUR_MS = 60 * 60_000;

/** It takes long: that it goes on can be seen. */
function onRound(round: number, line: string): void {
  if (round % 50 === 0) console.log(line);
}

test.each([
  { seed: 1, gateway: false },
  { seed: 2, gateway: false },
  { seed: 3, gateway: true },
])("500 random kills, seed $seed, gateway of its own: $gateway", { timeout: 2 * HOUR_MS }, async (options) => {
  const report = await runCrash({ ...options, rounds: 500, sessions: 3, onRound });
  console.log(crashTable(report));
  expect(faultsOf(report)).toEqual([]);
});
