import type { LiveEvent } from "@hhopkins/agent-runtime-client";
import type { Ask, AskAnswer } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import { resolutionsOf } from "./resolved-elsewhere.ts";

const at = "2026-01-01T00:00:00.000Z";
const ask: Ask = { askId: "a", conversationId: "main", kind: "permission", prompt: "May it?", openedAt: at };

async function noteOf(answer: AskAnswer | null, by: string, askId = "a"): Promise<string | undefined> {
  const event = { seq: 9, at, type: "session:ask:resolved", data: { sessionId: "s", askId, answer, by } } as const;
  const log = (async function* () {
    yield [event as LiveEvent];
  })();
  return (await resolutionsOf([ask], log))[0]?.text;
}

test.each<[AskAnswer | null, string, string]>([
  [{ decision: "allow" }, "kim", "Allowed by kim, elsewhere: May it?"],
  [{ decision: "allow", scope: "session" }, "kim", "Allowed for the session by kim, elsewhere: May it?"],
  [{ decision: "deny", reason: "no" }, "kim", "Denied (“no”) by kim, elsewhere: May it?"],
  [{ decision: "deny" }, "expiry", "Denied, because nobody answered in time: May it?"],
  [{ decision: "allow" }, "application", "Allowed by the application: May it?"],
  [null, "agent", "The agent does not ask any more: May it?"],
])("%j by %s", async (answer, by, text) => expect(await noteOf(answer, by)).toBe(text));

test("another ask is none of ours", async () => expect(await noteOf(null, "agent", "b")).toBeUndefined());
