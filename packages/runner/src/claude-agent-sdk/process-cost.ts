import type { HarnessSpec } from "../architecture.ts";
import { withDeadline } from "../deadline.ts";
import type { LiveQuery } from "./live-query.ts";

/** In USD, what the harness says that its process has cost so far; what it went on from, too. Undefined where it does not say. */
export async function costOf({ query }: LiveQuery, { log }: HarnessSpec): Promise<number | undefined> {
  try {
    const asked = query.usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET({ skipBehaviors: true });
    return (await withDeadline(asked, 5_000, "The harness did not tell what it has cost")).session.total_cost_usd;
  } catch (error) {
    log("the cost so far is not known", error);
    return undefined;
  }
}
