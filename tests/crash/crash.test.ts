import { expect, test } from "vitest";
import { runCrash } from "./random-kills.ts";
import { testEngine } from "../testing/test-engine.ts";
import { crashTable, faultsOf } from "./report.ts";

test.for([
  { rounds: 20, gateway: false, sandbox: "local", seed: 3 },
  { rounds: 6, gateway: true, sandbox: "local", seed: 4 },
  { rounds: 3, gateway: false, sandbox: "docker", seed: 5 },
] as const)(
  "$rounds random kills with turns under way lose and double nothing ($sandbox, gateway of its own: $gateway)",
  { timeout: 600_000 },
  async (options, context) => {
    const engine = options.sandbox === "docker" ? await testEngine() : null;
    if (typeof engine === "string") return context.skip(engine);
    const report = await runCrash({ ...options, sessions: 3 });
    console.log(crashTable(report));
    expect(faultsOf(report)).toEqual([]);
    expect(report.kills).toBeGreaterThanOrEqual(options.rounds);
    expect(report.completed).toBeGreaterThan(0);
  },
);
