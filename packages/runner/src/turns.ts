import {
  MAIN_CONVERSATION,
  NO_USAGE,
  RuntimeError,
  toRuntimeError,
  TurnError,
  TurnResult,
  TurnStatus,
  Usage,
} from "@hhopkins/agent-runtime-protocol";
import type {
  CommandBody,
  ConversationBlock,
  DeferReport,
  EntryBody,
  StopReport,
  UnsteerReport,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { Harness, HarnessContinuation, HarnessTurn, TurnEnd } from "./architecture.ts";
import type { Attachments } from "./attachments.ts";
import { withDeadline } from "./deadline.ts";
import type { Log } from "./log.ts";
import type { StateFile } from "./state-file.ts";

export type MessageCommand = Extract<CommandBody, { kind: "message" }>;
type InterruptCommand = Extract<CommandBody, { kind: "interrupt" }>;
type SteerCommand = Extract<CommandBody, { kind: "steer" }>;
type StopSubagentCommand = Extract<CommandBody, { kind: "stop-subagent" }>;
type UnsteerCommand = Extract<CommandBody, { kind: "unsteer" }>;
type ContinueCommand = Extract<CommandBody, { kind: "continue" }>;
type AnswerCommand = Extract<CommandBody, { kind: "answer" }>;
type DeferCommand = Extract<CommandBody, { kind: "defer" }>;

/** The turn that was taken and has not ended yet, on disk. */
export const OpenTurn = z.object({ turnId: z.string() });
export type OpenTurn = z.infer<typeof OpenTurn>;

/** The end must reach the server, whatever the harness counted. */
const HarnessEnd = z.object({
  status: TurnStatus,
  usage: Usage,
  costUSD: z.number().nonnegative(),
  error: TurnError.optional(),
  result: TurnResult.optional(),
  deferred: z.literal(true).optional(),
});

export interface TurnsOptions {
  readonly append: (body: EntryBody) => Promise<unknown>;
  /** Everything that the turn did to the workspace is journalled. */
  readonly afterTurn: () => Promise<void>;
  readonly onBusy: (busy: boolean) => void;
  readonly openTurn: StateFile<OpenTurn>;
  readonly attachments: Attachments;
  readonly now: () => Date;
  readonly log: Log;
}

/** One turn at a time: from a message that was taken to `turn:ended` or `turn:deferred`, which comes always and last. */
export interface Turns {
  readonly running: boolean;
  /** Takes the message; the turn goes on by itself. Throws `conflict` while another one runs. */
  take(command: MessageCommand, harness: Harness): Promise<void>;
  /** Asks the turn to stop; one that is yet to come does not begin then. */
  interrupt(command: InterruptCommand): Promise<void>;
  /** Offers a message to the running turn, where its harness can take more. */
  steer(command: SteerCommand): Promise<void>;
  /** Takes the offer back, unless it is too late. */
  unsteer(command: UnsteerCommand): Promise<UnsteerReport>;
  /** Stops one subagent of the turn. Throws `not_supported` where the harness cannot. */
  stopSubagent(command: StopSubagentCommand): Promise<StopReport>;
  /** Goes on with a turn that was deferred. Throws `conflict` while another one runs. */
  continue(command: ContinueCommand, harness: Harness): void;
  answer(command: AnswerCommand): void;
  /** Has the running turn wait without a process, where it can. */
  defer(command: DeferCommand): Promise<DeferReport>;
  /** Ends a turn that an earlier runner process left open. */
  closeLeftOver(): Promise<void>;
  /** Resolves when no turn runs. */
  idle(): Promise<void>;
}

const INTERRUPT_DEADLINE_MS = 10_000;
const UNSTEER_DEADLINE_MS = 5_000;
const FLUSH_DEADLINE_MS = 60_000;
const DEFER_DEADLINE_MS = 20_000;

export function createTurns(options: TurnsOptions): Turns {
  const { append, log, openTurn, attachments } = options;
  let current: { turnId: string; harness: Harness; working: boolean } | null = null;
  let done: Promise<void> = Promise.resolve();
  /** An interrupt overtakes other commands, so it can be here before its turn. */
  let early: InterruptCommand | null = null;

  function workingOn(turnId: string): Harness | null {
    return current !== null && current.turnId === turnId && current.working ? current.harness : null;
  }

  function begin(turnId: string, turn: HarnessTurn | HarnessContinuation | TurnEnd, harness: Harness): void {
    openTurn.write({ turnId });
    current = { turnId, harness, working: true };
    options.onBusy(true);
    done = run(turnId, turn, harness).catch((error: unknown) => log("turns: the end of a turn was lost", error));
  }

  async function run(
    turnId: string,
    turn: HarnessTurn | HarnessContinuation | TurnEnd,
    harness: Harness,
  ): Promise<void> {
    const stopped = early?.turnId === turnId ? early : null;
    early = null;
    const begins = stopped === null && !("status" in turn);
    const ended = begins ? await runHarness(harness, turn) : "status" in turn ? turn : stoppedEnd(stopped?.failure);
    const { deferred, ...end } = ended;
    if (current !== null) current.working = false;
    try {
      await withDeadline(harness.flush(), FLUSH_DEADLINE_MS, "The harness did not hand over what it had to say");
      await options.afterTurn();
    } catch (error) {
      log("turns: not everything of the turn could be told", error);
    }
    attachments.clear();
    await append(deferred === true ? { kind: "turn:deferred", turnId } : { kind: "turn:ended", turnId, ...end });
    current = null;
    openTurn.remove();
    options.onBusy(false);
  }

  async function say(block: ConversationBlock): Promise<void> {
    await append({ kind: "block:start", conversationId: MAIN_CONVERSATION, block });
    await append({ kind: "block:complete", conversationId: MAIN_CONVERSATION, block });
  }

  /** The turn with what its messages come with, or how it ends without that. */
  async function laidOut({ turnId, messages, resultSchema }: MessageCommand): Promise<HarnessTurn | TurnEnd> {
    try {
      return { turnId, messages: await Promise.all(messages.map(attachments.layOut)), resultSchema };
    } catch (error) {
      const { code, message } = toRuntimeError(error, "attachment_failed");
      await say({ type: "error", id: `error:${turnId}`, timestamp: options.now().toISOString(), code, message });
      return failedEnd({ code, message });
    }
  }

  async function runHarness(harness: Harness, turn: HarnessTurn | HarnessContinuation): Promise<TurnEnd> {
    try {
      return HarnessEnd.parse(await ("asks" in turn ? continueHarness(harness, turn) : harness.runTurn(turn)));
    } catch (error) {
      // An architecture promises never to reject; a turn must end even so.
      log("turns: the harness broke its promise", error);
      const { code, message } = toRuntimeError(error, "harness_failed");
      return failedEnd({ code, message });
    }
  }

  return {
    get running() {
      return current !== null;
    },
    async take(command, harness) {
      const { turnId } = command;
      if (current !== null) throw new RuntimeError("conflict", `The turn ${current.turnId} is running.`);
      const turn = await laidOut(command);
      begin(turnId, turn, harness);
    },
    continue({ turnId, asks, resultSchema }, harness) {
      if (current !== null) throw new RuntimeError("conflict", `The turn ${current.turnId} is running.`);
      begin(turnId, { turnId, asks, resultSchema }, harness);
    },
    answer({ askId, answer }) {
      current?.harness.asking?.answer(askId, answer);
    },
    async defer({ turnId }) {
      const asking = workingOn(turnId)?.asking;
      if (asking === undefined) return { deferred: false, reason: "The turn waits for nobody." };
      return withDeadline(asking.defer(), DEFER_DEADLINE_MS, "The harness did not put the turn off");
    },
    async interrupt(command) {
      if (current?.turnId !== command.turnId) early = command;
      const asked = workingOn(command.turnId)?.interrupt(command.failure, command.graceMs);
      if (asked !== undefined)
        await withDeadline(asked, INTERRUPT_DEADLINE_MS, "The harness did not take the interrupt");
    },
    async steer({ turnId, ...message }) {
      const steering = workingOn(turnId)?.steering;
      if (steering === undefined) return;
      const laidOut = await attachments.layOut(message);
      if (workingOn(turnId)?.steering === steering) steering.offer(laidOut);
    },
    async stopSubagent({ turnId, subagentId }) {
      const harness = workingOn(turnId);
      if (harness === null) return { stopped: false };
      if (harness.stopSubagent === undefined)
        throw new RuntimeError("not_supported", "This harness cannot stop a subagent by itself: interrupt the turn.");
      const asked = harness.stopSubagent(subagentId);
      return { stopped: await withDeadline(asked, INTERRUPT_DEADLINE_MS, "The harness did not stop the subagent") };
    },
    async unsteer({ turnId, messageId }) {
      const late = workingOn(turnId)?.steering?.withdraw(messageId) ?? Promise.resolve(false);
      return { taken: await withDeadline(late, UNSTEER_DEADLINE_MS, "The harness did not give the message back") };
    },
    async closeLeftOver() {
      const left = openTurn.read();
      if (left === null) return;
      const error = { code: "harness_failed", message: "The runner was started again while the turn ran." };
      await append({ kind: "turn:ended", turnId: left.turnId, ...failedEnd(error) });
      openTurn.remove();
    },
    idle: () => done,
  };
}

async function continueHarness({ asking }: Harness, turn: HarnessContinuation): Promise<TurnEnd> {
  if (asking === undefined) throw new RuntimeError("not_supported", "This harness asks nobody.");
  return asking.continueTurn(turn);
}

function stoppedEnd(failure: TurnError | undefined): TurnEnd {
  return failure === undefined ? { status: "interrupted", usage: NO_USAGE, costUSD: 0 } : failedEnd(failure);
}

function failedEnd(error: TurnError): TurnEnd {
  return { status: "failed", usage: NO_USAGE, costUSD: 0, error };
}
