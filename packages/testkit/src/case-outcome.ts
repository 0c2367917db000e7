/** Thrown by a case that its subject cannot show: a skip with its reason, and no failure. */
export class CannotBeShown extends Error {}

/** What a case of a contract came to. */
export type CaseOutcome =
  | { readonly state: "passed" }
  | { readonly state: "skipped"; readonly reason: string }
  | { readonly state: "failed"; readonly error: unknown };

/** What a case came to; one that its subject cannot show is skipped, with the reason. */
export async function outcomeOf(run: () => Promise<void>): Promise<CaseOutcome> {
  try {
    await run();
    return { state: "passed" };
  } catch (error) {
    if (error instanceof CannotBeShown) return { state: "skipped", reason: error.message };
    return { state: "failed", error };
  }
}
