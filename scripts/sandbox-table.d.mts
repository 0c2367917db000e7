/** What a suite came to on one provider, as one user. */
export interface SuiteRun {
  readonly suite: string;
  readonly provider: string;
  readonly user: string;
  readonly version: string;
  readonly cases: readonly { name: string; state: "passed" | "failed" | "skipped"; reason?: string }[];
}
export function readRuns(folder?: string): SuiteRun[];
export function tablesOf(runs: readonly SuiteRun[]): string;
export function withTables(page: string, tables: string): string;
export function cellsOf(page: string): Map<string, string>;
export function differences(page: string, runs: readonly SuiteRun[]): string[];
export function checkSandboxTable(): boolean;
