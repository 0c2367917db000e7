import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../../../../test-results/sandboxes");

/** What was tested: heads a column of the table in the documentation. */
export interface ProviderRun {
  readonly provider: string;
  /** The user that the server was. */
  readonly user: "root" | "ordinary user";
  /** The technology under it, as it names itself: `bubblewrap 0.8.0`. */
  readonly version: string;
}

export interface CaseResult {
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  readonly reason?: string;
}

/** The user that this process is. */
export function currentUser(): ProviderRun["user"] {
  return process.getuid?.() === 0 ? "root" : "ordinary user";
}

/**
 * Keeps what each case of a suite came to, for the table provider × case. Written after every case, so that a run that
 * is cut off leaves what it has seen.
 */
export function recordResults(
  suite: "contract" | "isolation",
  run: ProviderRun,
): { add(name: string, outcome: { readonly state: CaseResult["state"]; readonly reason?: string }): void } {
  const cases = new Map<string, CaseResult>();
  const file = join(FOLDER, `${suite}-${run.provider}-${run.user.replaceAll(" ", "-")}.json`);
  return {
    add(name, { state, reason }) {
      cases.set(name, { name, state, ...(reason === undefined ? {} : { reason }) });
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(file, `${JSON.stringify({ suite, ...run, cases: [...cases.values()] }, null, 1)}\n`);
    },
  };
}
