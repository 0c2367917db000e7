import { type Step, scriptSchema } from "./step.ts";

/** One message of a conversation, whatever the wire format: `texts` are its text parts, without tool results. */
export interface ConversationMessage {
  readonly role: "user" | "assistant";
  readonly texts: readonly string[];
}

/** A script and how far the conversation has come in it. */
export interface FoundScript {
  readonly steps: readonly Step[];
  /** The text that carries the script, as it came. */
  readonly carrier: string;
  /** Assistant turns before the message with the script. */
  readonly turnsBefore: number;
  /** Assistant turns after it: the number of the step to play. */
  readonly turnsAfter: number;
}

export type ScriptSearch =
  | { readonly kind: "none" }
  | { readonly kind: "found"; readonly script: FoundScript }
  | { readonly kind: "broken"; readonly message: string };

const opening = "<<<[";
const closing = "]>>>";

/** Finds the last script in the user's texts of a conversation. A script that cannot be read is `broken`, never ignored. */
export function findScript(messages: readonly ConversationMessage[]): ScriptSearch {
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at];
    if (message === undefined || message.role !== "user") continue;
    for (const text of message.texts.toReversed()) {
      const raw = lastScriptIn(text);
      if (raw === undefined) continue;
      const read = readScript(raw);
      if (typeof read === "string") return { kind: "broken", message: read };
      const turnsBefore = countTurns(messages.slice(0, at));
      const turnsAfter = countTurns(messages.slice(at + 1));
      return { kind: "found", script: { steps: read, carrier: text, turnsBefore, turnsAfter } };
    }
  }
  return { kind: "none" };
}

/** Assistant turns: messages of the assistant, where neighbours count as one. */
export function countTurns(messages: readonly ConversationMessage[]): number {
  return messages.filter((message, at) => message.role === "assistant" && messages[at - 1]?.role !== "assistant")
    .length;
}

/** The JSON text of the last script in a text. A script inside a string of another script belongs to that one. */
function lastScriptIn(text: string): string | undefined {
  let last: string | undefined;
  let from = text.indexOf(opening);
  while (from >= 0) {
    const start = from + opening.length - 1;
    const end = closedAt(text, start) ?? brokenEnd(text, start);
    last = text.slice(start, end);
    from = text.indexOf(opening, end);
  }
  return last;
}

/** Where the JSON array that starts here ends, if `>>>` follows it; strings are skipped, so they may hold anything. */
function closedAt(text: string, start: number): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") {
      depth--;
      if (depth === 0) return text.startsWith(">>>", at + 1) ? at + 1 : undefined;
    }
  }
  return undefined;
}

function brokenEnd(text: string, start: number): number {
  const end = text.indexOf(closing, start);
  return end < 0 ? text.length : end + 1;
}

function readScript(raw: string): readonly Step[] | string {
  let json: unknown;
  try {
    json = JSON.parse(raw);
  } catch (error) {
    return `the script in the prompt is not JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  const parsed = scriptSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${stepName(issue.path)}: ${issue.message}`);
  return `the script in the prompt is wrong: ${issues.join("; ")}`;
}

function stepName(path: readonly PropertyKey[]): string {
  const [index, ...keys] = path;
  return index === undefined ? "script" : [`step ${String(index)}`, ...keys.map(String)].join(".");
}
