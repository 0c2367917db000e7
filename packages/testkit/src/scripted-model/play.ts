import type { Attempts } from "./attempts.ts";
import { type DemoRequest, demoStep, help, sideAnswer, usedUp } from "./canned.ts";
import { type ConversationMessage, type FoundScript, findScript } from "./script-search.ts";
import { type Step, hasContent } from "./step.ts";

/** What is to be played, and where it comes from. */
export type Played =
  | { readonly kind: "step"; readonly index: number; readonly of: number }
  | { readonly kind: "demo"; readonly index: number }
  | { readonly kind: "canned" }
  | { readonly kind: "refused"; readonly message: string };

/** How the endpoint treats one request. */
export type Plan =
  | { readonly kind: "answer"; readonly step: Step; readonly dropAfter?: number }
  | { readonly kind: "error"; readonly step: Step; readonly error: NonNullable<Step["error"]> }
  | { readonly kind: "hang" }
  | { readonly kind: "refuse"; readonly message: string };

/** A request to the model in no wire format's own terms. */
export interface ModelRequest extends DemoRequest {
  readonly messages: readonly ConversationMessage[];
  /** Tells two harness sessions with the same prompt apart, where the wire format has such an id. */
  readonly conversationKey: string;
}

export interface PlayOptions {
  readonly attempts: Attempts;
  readonly demo: boolean;
}

/** Chooses what to answer: from the conversation alone, but for the tries that `times` counts. */
export function play(request: ModelRequest, options: PlayOptions): { plan: Plan; played: Played } {
  const search = findScript(request.messages);
  switch (search.kind) {
    case "broken":
      return {
        plan: { kind: "refuse", message: search.message },
        played: { kind: "refused", message: search.message },
      };
    case "found":
      return playScript(search.script, request, options);
    case "none":
      return playCanned(request, options);
  }
}

function playCanned(request: ModelRequest, options: PlayOptions): { plan: Plan; played: Played } {
  if (request.toolNames.length === 0) return canned(sideAnswer);
  if (!options.demo) return canned(help);
  const { step, index } = demoStep(request);
  return { plan: { kind: "answer", step }, played: { kind: "demo", index } };
}

function canned(text: string): { plan: Plan; played: Played } {
  return { plan: { kind: "answer", step: { text } }, played: { kind: "canned" } };
}

/** A step that can only fail is never a turn of the conversation: it stands before the next one that says something. */
function playScript(script: FoundScript, request: ModelRequest, options: PlayOptions): { plan: Plan; played: Played } {
  let turnsLeft = script.turnsAfter;
  for (const [index, step] of script.steps.entries()) {
    if (turnsLeft > 0) {
      if (hasContent(step)) turnsLeft--;
      continue;
    }
    const hasTools = request.toolNames.length > 0;
    // Trimmed, as a harness may add a line end to the prompt when something follows it.
    const key = [request.conversationKey, hasTools, script.carrier.trim(), script.turnsBefore, index];
    const plan = planStep(step, () => options.attempts.next(key));
    if (plan !== undefined) return { plan, played: { kind: "step", index, of: script.steps.length } };
  }
  return canned(usedUp);
}

/** Trouble comes first, for as many tries as the step says, then the step's content; `undefined` when nothing is left of it. */
function planStep(step: Step, nextTry: () => number): Plan | undefined {
  const trouble = troubleOf(step);
  const due = trouble !== undefined && (trouble.times === undefined || nextTry() < trouble.times);
  if (due) return trouble.plan;
  return hasContent(step) ? { kind: "answer", step } : undefined;
}

function troubleOf(step: Step): { plan: Plan; times: number | undefined } | undefined {
  const { error, hang, dropAfter } = step;
  if (error !== undefined) return { plan: { kind: "error", step, error }, times: error.times };
  if (hang !== undefined) return { plan: { kind: "hang" }, times: hang === true ? undefined : hang.times };
  if (dropAfter === undefined) return undefined;
  const { deltas, times } = typeof dropAfter === "number" ? { deltas: dropAfter, times: undefined } : dropAfter;
  return { plan: { kind: "answer", step, dropAfter: deltas }, times };
}
