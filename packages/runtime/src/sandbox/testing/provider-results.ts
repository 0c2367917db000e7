import { recordResults as record } from "../../testing/case-results.ts";

/** What was tested: heads a column of the table in the documentation. */
export interface ProviderRun {
  readonly provider: string;
  /** The user that the server was. */
  readonly user: "root" | "ordinary user";
  /** The technology under it, as it names itself: `bubblewrap 0.8.0`. */
  readonly version: string;
}

/** The user that this process is. */
export function currentUser(): ProviderRun["user"] {
  return process.getuid?.() === 0 ? "root" : "ordinary user";
}

/** Keeps what each case of a suite came to, for the table provider × case. */
export function recordResults(
  suite: "contract" | "isolation",
  { provider, user, version }: ProviderRun,
): ReturnType<typeof record> {
  return record("sandboxes", { suite, column: `${provider}, ${user}`, version });
}
