/** Which answers an ask takes. */
import { RuntimeError, type Ask, type AskAnswer, type AskKind } from "@hhopkins/agent-runtime-protocol";
import { isDeepStrictEqual } from "node:util";
import type { Resolution } from "./ask-history.ts";

/** What each kind has a use for, beside `decision` and `reason`. */
const PARTS: Record<AskKind, readonly string[]> = {
  permission: ["scope", "input"],
  question: ["answers"],
  plan: [],
  elicitation: ["content"],
};

/** Who answers, and what. */
export interface GivenAnswer {
  readonly askId: string;
  readonly answer: AskAnswer;
  /** Id of the principal; absent: the application itself, which may answer everything. */
  readonly by?: string;
}

const APPLICATION = "application";

/** As the log names who answered. */
export function whoAnswered({ by = APPLICATION }: Pick<GivenAnswer, "by">): string {
  return by;
}

/** Throws `forbidden` where it is somebody else's to answer, `invalid_request` with the field where the answer does not fit. */
export function assertAnswerFits(ask: Ask, { answer, by }: GivenAnswer): void {
  if (by !== undefined && ask.answerableBy?.includes(by) === false) {
    throw new RuntimeError("forbidden", `Ask ${ask.askId} is answered by others (asks.answerableBy of the profile).`);
  }
  if (answer.decision === "deny") return;
  for (const [part, value] of Object.entries(answer)) {
    if (part === "decision" || value === undefined || PARTS[ask.kind].includes(part)) continue;
    throw unfit(part, `an ask of the kind ${ask.kind} has no use for it`);
  }
  if (answer.scope === "session" && ask.rule === undefined) {
    throw unfit("scope", 'this call can only be allowed once ("once")');
  }
  if (ask.kind === "question" && answer.answers === undefined) {
    throw unfit("answers", 'what is answered, by the question\'s text; or decision "deny"');
  }
}

/** Why an ask takes no answer any more. */
export function resolvedError({ askId, by }: Resolution): RuntimeError {
  return new RuntimeError("ask_resolved", `Ask ${askId} ${WHY[by] ?? `was answered by ${by}`}.`);
}

const WHY: Readonly<Record<string, string>> = {
  expiry: "has expired; nobody answered in time",
  agent: "was withdrawn: the agent does not wait for it any more",
};

/** The same person says the same once more. */
export function isRepeated(resolution: Resolution, given: GivenAnswer): boolean {
  return resolution.by === whoAnswered(given) && isDeepStrictEqual(resolution.answer, given.answer);
}

function unfit(part: string, message: string): RuntimeError {
  const field = `body.${part}`;
  return new RuntimeError("invalid_request", `${field}: ${message}`, { field, issues: [{ field, message }] });
}
