import { expect, test } from "vitest";
import { runCrash } from "./random-kills.ts";
import { crashTable, faultsOf } from "./report.ts";

test.each([
  { rounds: 20, gateway: false, seed: 3 },
  { rounds: 6, gateway: true, seed: 4 },
])(
  "$rounds random kills with turns under way lose and double nothing (gateway of its own: $gateway)",
  { timeout: 300_000 },
  async (options) => {
    const report = await runCrash({ ...options, sessions: 3 });
    console.log(crashTable(report));
    expect(faultsOf(report)).toEqual([]);
    expect(report.kills).toBeGreaterThanOrEqual(options.rounds);
    expect(report.completed).toBeGreaterThan(0);
  },
);
