import { clusterContract, persistenceContract, sessionStoreContract } from "@hhopkins/agent-runtime-testkit";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { storeTable } from "../../scripts/store-table.mjs";

const CELLS = storeTable.cellsOf(readFileSync(join(import.meta.dirname, "../../docs/persistence.md"), "utf8"));

/** What each store was tested with. */
const EXPECTED = {
  Contract: {
    memory: persistenceContract,
    sqlite: persistenceContract,
    "nine methods": sessionStoreContract,
  },
  Cluster: {
    memory: clusterContract,
  },
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
