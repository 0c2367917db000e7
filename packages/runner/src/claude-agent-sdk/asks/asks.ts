import type { CanUseTool, OnElicitation, PermissionResult } from "@anthropic-ai/claude-agent-sdk";
import type { AskAnswer, EntryBody, OpenedAsk } from "@hhopkins/agent-runtime-protocol";
import type { NativeMessage } from "../native.ts";
import { toId } from "../outlet.ts";
import { createCalls, isOfSubagent, type OpenCall } from "./calls.ts";
import { elicitationAsk, elicitationResult } from "./elicitation.ts";
import { kindOf, openedAsk, permissionResult, ruleOf, type AfterPlan, type ToolAsk } from "./permission.ts";

export interface AsksOptions {
  readonly workspace: string;
  /** Rules that were allowed for the session before. */
  readonly allowed: readonly string[];
  readonly emit: (body: EntryBody) => Promise<void>;
  /** Calls that were allowed, also by an earlier process or sandbox. */
  readonly approvals: Approvals;
  readonly afterPlan: () => AfterPlan;
  /** The profile's own rules that ask. */
  readonly askRules: readonly string[];
  /** The turn waits for people, or no longer does. */
  readonly onWaiting: (waiting: boolean) => void;
  readonly hasSubagents: () => boolean;
  /** The call that a process went on with was asked for: from now on it asks as always. Never rejects. */
  readonly onResumed: () => Promise<void>;
}

export interface Approvals {
  has(toolUseId: string): boolean;
  /** Resolves when it outlives the process. */
  note(toolUseId: string): Promise<void>;
}

/** What a turn asks people. The harness waits in a callback of ours for as long as they need. */
export interface Asks {
  readonly canUseTool: CanUseTool;
  readonly onElicitation: OnElicitation;
  /** Rules that are allowed for the session. */
  readonly allowed: ReadonlySet<string>;
  follow(message: NativeMessage): Promise<void>;
  answer(askId: string, answer: AskAnswer): void;
  /** The call that the turn could be deferred at, or why it cannot be. */
  deferrable(): { readonly toolUseId: string } | { readonly reason: string };
  /** The process is to end and the ask to stay: ends what the process does, and tells nobody. */
  leave(): void;
  /** Asks of a turn that was deferred; from then on they can be answered. */
  restore(asks: readonly { ask: OpenedAsk; answer?: AskAnswer | undefined }[]): void;
  /** The call that a process goes on with. */
  resumeCall(call: OpenCall): void;
  /** The turn is over. Returns the calls that still waited. */
  end(): Promise<ReadonlySet<string>>;
}

interface Waiting {
  readonly ask: OpenedAsk;
  readonly answered: PromiseWithResolvers<AskAnswer | null | "left">;
}

const UNKNOWN_OUTCOME =
  "This call was allowed and begun before, and its process ended before the result was known: its outcome is unknown. It is not run again. Find out what it did before you go on.";

export function createAsks(options: AsksOptions): Asks {
  const { emit, approvals } = options;
  const calls = createCalls();
  const allowed = new Set(options.allowed);
  const open = new Map<string, Waiting>();
  /** Asks that the server knows as open, though no process waits for them yet. */
  const restored = new Set<string>();
  /** Asks of a turn that was deferred, as they were first. */
  const first = new Map<string, OpenedAsk>();
  /** Answers that the process that lives was given or is to be given: it can ask twice for one call. */
  const given = new Map<string, AskAnswer>();
  let elicitations = 0;

  async function wait(ask: OpenedAsk, signal: AbortSignal): Promise<AskAnswer | null | "left"> {
    const known = given.get(ask.askId);
    if (known !== undefined) return known;
    const before = open.get(ask.askId);
    if (before !== undefined) return before.answered.promise;
    const waiting: Waiting = { ask, answered: Promise.withResolvers() };
    open.set(ask.askId, waiting);
    options.onWaiting(true);
    const gone = (): void => void withdraw(ask.askId);
    signal.addEventListener("abort", gone, { once: true });
    if (!restored.delete(ask.askId)) await emit({ kind: "ask:opened", ask });
    if (signal.aborted) await withdraw(ask.askId);
    const answer = await waiting.answered.promise;
    signal.removeEventListener("abort", gone);
    return answer;
  }

  function close(askId: string): Waiting | undefined {
    const waiting = open.get(askId);
    open.delete(askId);
    if (open.size === 0) options.onWaiting(false);
    return waiting;
  }

  async function withdraw(askId: string): Promise<void> {
    const waiting = close(askId);
    if (waiting === undefined) return;
    waiting.answered.resolve(null);
    await emit({ kind: "ask:withdrawn", askId });
  }

  async function decide(ask: ToolAsk): Promise<PermissionResult> {
    const { toolName, input, options: about } = ask;
    const askId = toId(about.toolUseID);
    const rule = first.has(askId) ? first.get(askId)?.rule : ruleOf(ask, options);
    const offer = { rule, afterPlan: options.afterPlan };
    if (!given.has(askId)) {
      if (approvals.has(askId)) return { behavior: "deny", message: UNKNOWN_OUTCOME };
      if (rule !== undefined && allowed.has(rule)) return { behavior: "allow", updatedInput: input };
    }
    const answer = await wait({ askId, ...openedAsk(ask, offer) }, about.signal);
    // The mode after a plan comes with its answer.
    if (first.delete(askId) && kindOf(toolName) !== "plan") await options.onResumed();
    if (answer === "left") return { behavior: "deny", message: "The sandbox sleeps.", interrupt: true };
    if (answer === null) return { behavior: "deny", message: "The ask was withdrawn." };
    given.set(askId, answer);
    if (answer.decision === "allow") await approvals.note(askId);
    if (answer.decision === "allow" && answer.scope === "session" && rule !== undefined) allowed.add(rule);
    return permissionResult(ask, answer, offer);
  }

  return {
    allowed,
    async canUseTool(toolName, input, about) {
      const call = await calls.find(toId(about.toolUseID));
      return decide({ toolName, input, options: about, call });
    },
    async onElicitation(request, { signal }) {
      elicitations++;
      const askId = `elicitation:${Date.now().toString(36)}:${elicitations}`;
      const answer = await wait({ askId, ...elicitationAsk(request, calls.all()) }, signal);
      return elicitationResult(answer === "left" ? null : answer);
    },
    async follow(message) {
      const { returned } = calls.follow(message);
      // Such as a call that was not waited for any longer.
      for (const { ask } of open.values()) {
        if (ask.toolUseId !== undefined && returned.includes(ask.toolUseId)) await withdraw(ask.askId);
      }
    },
    answer(askId, answer) {
      if (open.has(askId) || restored.has(askId)) given.set(askId, answer);
      restored.delete(askId);
      close(askId)?.answered.resolve(answer);
    },
    deferrable() {
      const [waiting, another] = [...open.values()];
      if (waiting === undefined) return { reason: "The turn waits for nobody." };
      if (another !== undefined)
        return { reason: `The turn waits for ${open.size} answers, and only one can wait elsewhere.` };
      const { toolUseId, kind } = waiting.ask;
      if (kind === "elicitation") return { reason: "An MCP server waits for the answer." };
      const all = calls.all();
      if (options.hasSubagents() || all.some(isOfSubagent)) return { reason: "A subagent works or waits." };
      if (toolUseId === undefined) return { reason: "The call that waits is not in the conversation." };
      if (all.length > 1) return { reason: "Other calls of the same step have no result yet." };
      return { toolUseId };
    },
    leave() {
      for (const askId of open.keys()) close(askId)?.answered.resolve("left");
      calls.clear();
    },
    resumeCall: calls.add,
    restore(asks) {
      for (const { ask, answer } of asks) {
        first.set(ask.askId, ask);
        if (answer === undefined) restored.add(ask.askId);
        else if (approvals.has(ask.askId)) given.set(ask.askId, { decision: "deny", reason: UNKNOWN_OUTCOME });
        else given.set(ask.askId, answer);
      }
    },
    async end() {
      const waiting = new Set([...open.values()].flatMap(({ ask }) => ask.toolUseId ?? []));
      for (const askId of open.keys()) await withdraw(askId);
      for (const askId of restored) await emit({ kind: "ask:withdrawn", askId });
      restored.clear();
      first.clear();
      given.clear();
      calls.clear();
      return waiting;
    },
  };
}
