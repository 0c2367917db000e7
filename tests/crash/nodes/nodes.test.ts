import { expect, test } from "vitest";
import { testDatabase } from "../../testing/test-database.ts";
import { runNodeCrash } from "./node-kills.ts";
import { nodeFaults, nodeTable } from "./node-report.ts";

test(
  "three nodes on one PostgreSQL, killed, stopped and restarted at random: nothing is lost, doubled or owned twice",
  { timeout: 600_000 },
  async ({ skip }) => {
    const database = await testDatabase("postgres");
    if (typeof database === "string") return skip(database);
    await using _dropped = database;
    const report = await runNodeCrash({ nodes: 3, rounds: 5, seed: 21, sessions: 3, leaseMs: 2000, database });
    console.log(nodeTable(report));
    expect(nodeFaults(report)).toEqual([]);
    expect(report.completed).toBeGreaterThan(0);
    expect(report.blows.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["pause", "kill", "restart"]));
  },
);
