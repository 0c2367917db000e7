import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const RESULTS = join(import.meta.dirname, "../../../../test-results");

/** What was tested. */
export interface ResultColumn {
  readonly suite: string;
  /** Head of the column in the table: `local, root`. */
  readonly column: string;
  /** The technology under it, as it names itself: `bubblewrap 0.8.0`. */
  readonly version: string;
}

export interface CaseResult {
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  readonly reason?: string;
}

/**
 * Keeps what each case of a suite came to, for a table of the documentation. Written after every case, so that a run
 * that is cut off leaves what it has seen.
 */
export function recordResults(
  folder: "sandboxes" | "stores" | "profiles",
  run: ResultColumn,
): { add(name: string, outcome: { readonly state: CaseResult["state"]; readonly reason?: string }): void } {
  const cases = new Map<string, CaseResult>();
  const file = join(RESULTS, folder, `${run.suite}-${run.column}.json`.replaceAll(/[ ,]+/g, "-"));
  return {
    add(name, { state, reason }) {
      cases.set(name, { name, state, ...(reason === undefined ? {} : { reason }) });
      mkdirSync(join(RESULTS, folder), { recursive: true });
      writeFileSync(file, `${JSON.stringify({ ...run, cases: [...cases.values()] }, null, 1)}\n`);
    },
  };
}
