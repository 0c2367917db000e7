/** What a suite came to on one subject: a provider of sandboxes and a user, or a store. */
export interface SuiteRun {
  readonly suite: string;
  readonly column: string;
  readonly version: string;
  readonly cases: readonly { name: string; state: "passed" | "failed" | "skipped"; reason?: string }[];
}

export interface CaseTable {
  readRuns(folder?: string): SuiteRun[];
  tablesOf(runs: readonly SuiteRun[]): string;
  withTables(page: string, tables: string): string;
  cellsOf(page: string): Map<string, string>;
  differences(page: string, runs: readonly SuiteRun[]): string[];
  check(): boolean;
  main(): void;
}

export function caseTable(table: {
  script: string;
  page: string;
  folder: string;
  suites: Readonly<Record<string, string>>;
  columns: readonly string[];
}): CaseTable;
