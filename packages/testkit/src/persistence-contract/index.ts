import { outcomeOf, type CaseOutcome } from "../case-outcome.ts";
import { appendCases } from "./appends.ts";
import { commandCases } from "./commands.ts";
import { compactionCases } from "./compactions.ts";
import { concurrencyCases } from "./concurrency.ts";
import { fenceCases } from "./fences.ts";
import { fileCases } from "./files.ts";
import { largeCases } from "./large.ts";
import { leaseCases } from "./leases.ts";
import { lifetimeCases } from "./lifetime.ts";
import { listCases } from "./lists.ts";
import { nineMethodCases } from "./nine-methods.ts";
import { readCases } from "./reads.ts";
import { sessionCases } from "./sessions.ts";
import type { PersistenceCase, PersistenceSubject } from "./subject.ts";

export type { PersistenceCase, PersistenceSubject } from "./subject.ts";

/** What the nine methods promise, of an adapter that keeps what it is given. */
export const nineMethodContract: Readonly<Record<string, PersistenceCase>> = nineMethodCases;

/** What an adapter's `store` promises. */
export const sessionStoreContract: Readonly<Record<string, PersistenceCase>> = {
  ...appendCases,
  ...readCases,
  ...compactionCases,
  ...fileCases,
  ...sessionCases,
  ...listCases,
  ...largeCases,
  ...concurrencyCases,
};

/** What a `store` with `cluster` promises: many nodes share it. */
export const clusterContract: Readonly<Record<string, PersistenceCase>> = {
  ...leaseCases,
  ...fenceCases,
  ...commandCases,
};

/**
 * What an adapter with a `store` promises: cases by name, each an async function that rejects (`node:assert`) where
 * the promise is broken. Any test runner can run them, best by `runPersistenceCase`. For a store that has `cluster`,
 * those of `clusterContract` come beside them.
 */
export const persistenceContract: Readonly<Record<string, PersistenceCase>> = {
  ...nineMethodContract,
  ...sessionStoreContract,
  ...lifetimeCases,
};

/** What a case of the persistence contract came to. */
export type PersistenceCaseOutcome = CaseOutcome;

/** Runs one case; one that needs what its subject has not is skipped, with the reason. */
export async function runPersistenceCase(
  run: PersistenceCase,
  subject: PersistenceSubject,
): Promise<PersistenceCaseOutcome> {
  return await outcomeOf(() => run(subject));
}
