import { sandboxContract } from "@hhopkins/agent-runtime-testkit";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { SuiteRun } from "../../scripts/case-table.mjs";
import { sandboxTable } from "../../scripts/sandbox-table.mjs";

const { cellsOf, differences, tablesOf, withTables } = sandboxTable;

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/sandboxes.md"), "utf8");

const RUNS: SuiteRun[] = [
  {
    suite: "contract",
    column: "local, root",
    version: "bubblewrap 1",
    cases: [
      { name: "create: one", state: "passed" },
      { name: "a | b", state: "skipped", reason: "it has none" },
    ],
  },
  {
    suite: "contract",
    column: "docker, ordinary user",
    version: "engine 2",
    cases: [{ name: "create: one", state: "failed" }],
  },
];

test("the table shows each case of each run, and why one was skipped", () => {
  const tables = tablesOf(RUNS);
  expect(tables).toContain("local: bubblewrap 1; docker: engine 2");
  expect(tables).toContain("| Contract | local, root | docker, ordinary user |\n| --- | --- | --- |\n");
  expect(tables).toContain("| create: one | ✓ | FAILED |\n| a \\| b | – |  |");
  expect(tables).toContain("- a | b: it has none (local, root)");
});

test("a page that says something else than the run is found; other machines' columns and versions are not compared", () => {
  const page = withTables(PAGE, tablesOf(RUNS));
  expect(differences(page, RUNS)).toEqual([]);
  const [local] = RUNS as [SuiteRun];
  expect(differences(page, [{ ...local, version: "bubblewrap 3" }])).toEqual([]);
  const changed = {
    ...local,
    cases: [
      { name: "create: one", state: "failed" as const },
      { name: "new", state: "passed" as const },
    ],
  };
  expect(differences(page, [changed]).toSorted()).toEqual([
    "Contract | local, root | a | b: the page says –, the run nothing",
    "Contract | local, root | create: one: the page says ✓, the run FAILED",
    "Contract | local, root | new: the page says nothing, the run ✓",
  ]);
});

test("the committed table has every case of the contract, for each provider as both users, and nothing failed", () => {
  const cells = cellsOf(PAGE);
  for (const column of [
    "local, root",
    "local, ordinary user",
    "docker, root",
    "docker, ordinary user",
    "modal, root",
    "modal, ordinary user",
  ]) {
    const missing = Object.keys(sandboxContract).filter((name) => !cells.get(`Contract | ${column} | ${name}`));
    expect(missing, column).toEqual([]);
  }
  expect([...cells].filter(([, state]) => state === "FAILED")).toEqual([]);
});
