import {
  clusterContract,
  nineMethodContract,
  persistenceContract,
  runPersistenceCase,
  sessionStoreContract,
  type PersistenceCase,
  type PersistenceSubject,
} from "@hhopkins/agent-runtime-testkit";
import { describe, test } from "vitest";
import { recordResults } from "../../testing/case-results.ts";

/** What was tested: heads a column of the table in docs/persistence.md. */
export interface StoreRun {
  /** Of the adapter: `postgres`. */
  readonly store: string;
  /** What the data was in, as it names itself, and through which driver: `PostgreSQL 15.14, pg 8.16.3`. A function is called when it is open. */
  readonly version: string | (() => string);
}

/** What each suite is. */
const SUITES = {
  contract: persistenceContract,
  cluster: clusterContract,
  "nine methods": nineMethodContract,
  store: sessionStoreContract,
} as const satisfies Record<string, Readonly<Record<string, PersistenceCase>>>;

export interface ContractTestOptions {
  /** `contract` for every adapter with a store; `cluster` beside it where the store has that. */
  readonly suites: readonly (keyof typeof SUITES)[];
  /** Of each case, in milliseconds. */
  readonly timeoutMs?: number;
}

/**
 * The contract as tests, whose results go into the table store × case. `subject` is called for each case; what it opens
 * it closes itself, in an `afterEach` for instance.
 */
export function contractTests(
  run: StoreRun,
  subject: () => PersistenceSubject,
  { suites, timeoutMs = 60_000 }: ContractTestOptions,
): void {
  for (const suite of suites) {
    describe(`${run.store}, ${suite}`, () => {
      const table = suite === "cluster" ? "cluster" : "contract";
      let results: ReturnType<typeof recordResults> | undefined;
      test.for(Object.entries(SUITES[suite]))("%s", { timeout: timeoutMs }, async ([name, each], { skip }) => {
        const outcome = await runPersistenceCase(each, subject());
        const version = typeof run.version === "string" ? run.version : run.version();
        results ??= recordResults("stores", { suite: table, column: run.store, version });
        results.add(name, outcome);
        if (outcome.state === "skipped") skip(outcome.reason);
        if (outcome.state === "failed") throw outcome.error;
      });
    });
  }
}
