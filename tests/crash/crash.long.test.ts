import { expect, test } from "vitest";
import { runCrash } from "./random-kills.ts";
import { crashTable, faultsOf } from "./report.ts";

const HOUR_MS = 60 * 60_000;

test.each([
  { seed: 1, gateway: false },
  { seed: 2, gateway: false },
  { seed: 3, gateway: true },
])("500 random kills, seed $seed, gateway of its own: $gateway", { timeout: HOUR_MS }, async (options) => {
  const report = await runCrash({ ...options, rounds: 500, sessions: 3 });
  console.log(crashTable(report));
  expect(faultsOf(report)).toEqual([]);
});
