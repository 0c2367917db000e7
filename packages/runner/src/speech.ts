import { EntryBody } from "@hhopkins/agent-runtime-protocol";
import { fitEntry } from "./entry-limits.ts";
import type { Journal } from "./journal/journal.ts";
import type { Log } from "./log.ts";

/** Everything that leaves the runner goes through here: valid, of bounded size, numbered, in order. */
export interface Speech {
  /** Resolves when it is journalled, which may have to wait for a server to make room. */
  say(body: EntryBody): Promise<void>;
  /** Resolves when a server has everything, when none is there to take it, or after `ms`. */
  drained(ms: number, isServed: () => boolean): Promise<void>;
}

export function createSpeech({ journal, log }: { journal: Journal; log: Log }): Speech {
  return {
    async say(body) {
      const parsed = EntryBody.safeParse(body);
      if (!parsed.success) {
        // The server would refuse the whole connection for it, again and again.
        log(`speech: left out an invalid ${body.kind}`, parsed.error.issues);
        return;
      }
      const entries = fitEntry(parsed.data);
      if (entries.length === 0) log(`speech: left out a ${body.kind} that is too large`);
      // All at once, so that nothing comes between the parts.
      await Promise.all(entries.map((entry) => journal.append(entry)));
    },
    async drained(ms, isServed) {
      const until = performance.now() + ms;
      while (isServed() && journal.acked < journal.last && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}
