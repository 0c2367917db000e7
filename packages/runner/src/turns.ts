import { NO_USAGE, RuntimeError, TurnError, TurnStatus, Usage, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { CommandBody, EntryBody, UnsteerReport } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { Harness, TurnEnd } from "./architecture.ts";
import { withDeadline } from "./deadline.ts";
import type { Log } from "./log.ts";
import type { StateFile } from "./state-file.ts";

export type MessageCommand = Extract<CommandBody, { kind: "message" }>;
type InterruptCommand = Extract<CommandBody, { kind: "interrupt" }>;
type SteerCommand = Extract<CommandBody, { kind: "steer" }>;
type UnsteerCommand = Extract<CommandBody, { kind: "unsteer" }>;

/** The turn that was taken and has not ended yet, on disk. */
export const OpenTurn = z.object({ turnId: z.string() });
export type OpenTurn = z.infer<typeof OpenTurn>;

/** The end must reach the server, whatever the harness counted. */
const TurnResult = z.object({
  status: TurnStatus,
  usage: Usage,
  costUSD: z.number().nonnegative(),
  error: TurnError.optional(),
});

export interface TurnsOptions {
  readonly append: (body: EntryBody) => Promise<unknown>;
  /** Everything that the turn did to the workspace is journalled. */
  readonly afterTurn: () => Promise<void>;
  readonly onBusy: (busy: boolean) => void;
  readonly openTurn: StateFile<OpenTurn>;
  readonly log: Log;
}

/** One turn at a time: from a message that was taken to `turn:ended`, which comes always and last. */
export interface Turns {
  readonly running: boolean;
  /** Takes the message; the turn goes on by itself. Throws `conflict` while another one runs. */
  take(command: MessageCommand, harness: Harness): void;
  /** Asks the turn to stop; one that is yet to come does not begin then. */
  interrupt(command: InterruptCommand): Promise<void>;
  /** Offers a message to the running turn, where its harness can take more. */
  steer(command: SteerCommand): void;
  /** Takes the offer back, unless it is too late. */
  unsteer(command: UnsteerCommand): Promise<UnsteerReport>;
  /** Ends a turn that an earlier runner process left open. */
  closeLeftOver(): Promise<void>;
  /** Resolves when no turn runs. */
  idle(): Promise<void>;
}

const INTERRUPT_DEADLINE_MS = 10_000;
const UNSTEER_DEADLINE_MS = 5_000;
const FLUSH_DEADLINE_MS = 60_000;

export function createTurns(options: TurnsOptions): Turns {
  const { append, log, openTurn } = options;
  let current: { turnId: string; harness: Harness; working: boolean } | null = null;
  let done: Promise<void> = Promise.resolve();
  /** An interrupt overtakes other commands, so it can be here before its turn. */
  let early: InterruptCommand | null = null;

  function workingOn(turnId: string): Harness | null {
    return current !== null && current.turnId === turnId && current.working ? current.harness : null;
  }

  async function run(command: MessageCommand, harness: Harness): Promise<void> {
    const { turnId, messages } = command;
    const stopped = early?.turnId === turnId ? early : null;
    early = null;
    const end = stopped === null ? await runHarness(harness, { turnId, messages }) : stoppedEnd(stopped.failure);
    if (current !== null) current.working = false;
    try {
      await withDeadline(harness.flush(), FLUSH_DEADLINE_MS, "The harness did not hand over what it had to say");
      await options.afterTurn();
    } catch (error) {
      log("turns: not everything of the turn could be told", error);
    }
    await append({ kind: "turn:ended", turnId, ...end });
    current = null;
    openTurn.remove();
    options.onBusy(false);
  }

  async function runHarness(
    harness: Harness,
    turn: { turnId: string; messages: MessageCommand["messages"] },
  ): Promise<TurnEnd> {
    try {
      return TurnResult.parse(await harness.runTurn(turn));
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
    take(command, harness) {
      if (current !== null) throw new RuntimeError("conflict", `The turn ${current.turnId} is running.`);
      openTurn.write({ turnId: command.turnId });
      current = { turnId: command.turnId, harness, working: true };
      options.onBusy(true);
      done = run(command, harness).catch((error: unknown) => log("turns: the end of a turn was lost", error));
    },
    async interrupt(command) {
      if (current?.turnId !== command.turnId) early = command;
      const asked = workingOn(command.turnId)?.interrupt(command.failure, command.graceMs);
      if (asked !== undefined)
        await withDeadline(asked, INTERRUPT_DEADLINE_MS, "The harness did not take the interrupt");
    },
    steer({ turnId, messageId, content }) {
      workingOn(turnId)?.steering?.offer({ messageId, content });
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

function stoppedEnd(failure: TurnError | undefined): TurnEnd {
  return failure === undefined ? { status: "interrupted", usage: NO_USAGE, costUSD: 0 } : failedEnd(failure);
}

function failedEnd(error: TurnError): TurnEnd {
  return { status: "failed", usage: NO_USAGE, costUSD: 0, error };
}
