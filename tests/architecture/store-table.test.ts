import { clusterContract, persistenceContract, sessionStoreContract } from "@hhopkins/agent-runtime-testkit";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { storeTable } from "../../scripts/store-table.mjs";

const CELLS = storeTable.cellsOf(readFileSync(join(import.meta.dirname, "../../docs/persistence.md"), "utf8"));

/** Stores that many servers can share. */
const SHARED = ["memory", "postgres", "mysql", "supabase", "convex"];

/** What each store was tested with. */
const EXPECTED = {
  Contract: {
    ...Object.fromEntries([...SHARED, "sqlite"].map((store) => [store, persistenceContract])),
    "nine methods": sessionStoreContract,
  },
  Cluster: Object.fromEntries(SHARED.map((store) => [store, clusterContract])),
};

for (const [suite, stores] of Object.entries(EXPECTED)) {
  test.for(Object.entries(stores))(`the committed table of ${suite} has every case for %s`, ([store, cases]) => {
    const missing = Object.keys(cases).filter((name) => !CELLS.get(`${suite} | ${store} | ${name}`));
    expect(missing).toEqual([]);
  });
}

test("nothing in the committed table has failed", () => {
  expect([...CELLS].filter(([, state]) => state === "FAILED")).toEqual([]);
});
