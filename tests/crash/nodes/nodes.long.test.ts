import { expect, test } from "vitest";
import { testDatabase } from "../../testing/test-database.ts";
import { runNodeCrash } from "./node-kills.ts";
import { nodeFaults, nodeTable } from "./node-report.ts";

const HOUR_MS = 60 * 60_000;

/** MariaDB wakes nobody: there nodes find everything by polling. */
test.for([
  { kind: "postgres", rounds: 300, seed: 22 },
  { kind: "mysql", rounds: 50, seed: 23 },
] as const)(
  "$rounds rounds over three nodes on $kind",
  { timeout: 3 * HOUR_MS },
  async ({ kind, rounds, seed }, context) => {
    const database = await testDatabase(kind);
    if (typeof database === "string") return context.skip(database);
    await using _dropped = database;
    const onRound = (round: number, line: string): void => void (round % 25 === 0 && console.log(line));
    const report = await runNodeCrash({ nodes: 3, rounds, seed, sessions: 3, leaseMs: 2000, database, onRound });
    console.log(nodeTable(report));
    expect(nodeFaults(report)).toEqual([]);
    expect(report.letGo).toBeGreaterThan(0);
    expect(report.refusedWrites).toBeGreaterThan(0);
    expect(report.refusedStreams).toBeGreaterThan(0);
  },
);
