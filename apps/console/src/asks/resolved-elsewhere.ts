import type { LiveEvent } from "@hhopkins/agent-runtime-client";
import type { Ask } from "@hhopkins/agent-runtime-protocol";

export interface ResolvedNote {
  readonly askId: string;
  readonly text: string;
}

type Resolved = Extract<LiveEvent, { type: "session:ask:resolved" }>["data"];

/** How asks of these were resolved, by the events of a log; each as a sentence. */
export async function resolutionsOf(
  asks: readonly Ask[],
  log: AsyncIterable<readonly LiveEvent[]>,
): Promise<readonly ResolvedNote[]> {
  const notes: ResolvedNote[] = [];
  for await (const batch of log)
    for (const event of batch) {
      if (event.type !== "session:ask:resolved") continue;
      const ask = asks.find(({ askId }) => askId === event.data.askId);
      if (ask !== undefined) notes.push({ askId: ask.askId, text: `${outcomeOf(event.data)}: ${ask.prompt}` });
    }
  return notes;
}

function outcomeOf({ answer, by }: Resolved): string {
  if (answer === null) return "The agent does not ask any more";
  const reason = answer.decision === "deny" && answer.reason !== undefined ? ` (“${answer.reason}”)` : "";
  const what =
    answer.decision === "deny" ? `Denied${reason}` : answer.scope === "session" ? "Allowed for the session" : "Allowed";
  if (by === "expiry") return `${what}, because nobody answered in time`;
  return by === "application" ? `${what} by the application` : `${what} by ${by}, elsewhere`;
}
