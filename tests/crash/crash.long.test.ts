import { expect, test } from "vitest";
import { runCrash } from "./random-kills.ts";
import { testEngine } from "../testing/test-engine.ts";
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

test("20 random kills with sandboxes in Docker", { timeout: HOUR_MS }, async (context) => {
  const engine = await testEngine();
  if (typeof engine === "string") return context.skip(engine);
  const report = await runCrash({ rounds: 20, seed: 12, sessions: 2, gateway: false, sandbox: "docker", onRound });
  console.log(crashTable(report));
  expect(faultsOf(report)).toEqual([]);
});
