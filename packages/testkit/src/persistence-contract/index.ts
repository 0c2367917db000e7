import { appendCases } from "./appends.ts";
import { compactionCases } from "./compactions.ts";
import { fileCases } from "./files.ts";
import { lifetimeCases } from "./lifetime.ts";
import { nineMethodCases } from "./nine-methods.ts";
import { readCases } from "./reads.ts";
import { sessionCases } from "./sessions.ts";
import type { PersistenceCase } from "./subject.ts";

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
};

/**
 * What an adapter with a `store` promises: cases by name, each an async function that rejects (`node:assert`) where
 * the promise is broken. Any test runner can run them.
 */
export const persistenceContract: Readonly<Record<string, PersistenceCase>> = {
  ...nineMethodContract,
  ...sessionStoreContract,
  ...lifetimeCases,
};
