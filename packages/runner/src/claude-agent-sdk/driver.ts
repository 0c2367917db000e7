import { randomUUID } from "node:crypto";
import { join } from "node:path";
import {
  RuntimeError,
  toRuntimeError,
  type EntryBody,
  type SessionOptions,
  type TurnError,
} from "@hhopkins/agent-runtime-protocol";
import type { Harness, HarnessMessage, HarnessSpec, TurnEnd } from "../architecture.ts";
import { harnessError, isCredentialStatus, modelError } from "./failures.ts";
import { cancelMessage, openQuery, type LiveQuery } from "./live-query.ts";
import type { NativeMessage } from "./native.ts";
import { configFolderOf, modelOf } from "./options.ts";
import { loadSdk } from "./sdk.ts";
import { createSteering } from "./steering.ts";
import { openTranscript } from "./transcript.ts";
import { createTranslator } from "./translator.ts";
import { createTurnProgress, type TurnProgress } from "./turn-progress.ts";
import { addSpent, NOTHING_SPENT, spentSince, type Spent } from "./usage.ts";

export interface DriverTimes {
  /** How long a turn may go on after an interrupt before the process is killed. */
  readonly interruptGraceMs: number;
}

export const DRIVER_TIMES: DriverTimes = { interruptGraceMs: 8000 };

/** Messages of a harness that works. */
const SIGNS = new Set(["command_lifecycle", "stream_event", "assistant", "user", "result"]);

interface RunningTurn {
  readonly turnId: string;
  progress: TurnProgress | undefined;
  spent: Spent;
  interrupted: boolean;
  failure: TurnError | undefined;
  /** Something was heard of it. */
  begun: boolean;
  /** The process was dead before it had begun, so it was given to a second one. */
  again: boolean;
  over: PromiseWithResolvers<void>;
  /** Calls off the start of a process for this turn. */
  readonly stop: AbortController;
  escalation: NodeJS.Timeout | undefined;
}

/** Starts the harness: one process for many turns, started again when it died. */
export async function startHarness(given: HarnessSpec, signal: AbortSignal, times = DRIVER_TIMES): Promise<Harness> {
  // Without the old transcript, which is on disk in a moment: it can be large, and what follows lives long.
  const spec: HarnessSpec = { ...given, transcript: new Map() };
  const sdk = await loadSdk(spec.packages);
  const sessionId = spec.start.resume ?? randomUUID();
  const transcript = await openTranscript({
    folder: join(spec.home, ".agent-runtime", "transcript"),
    configFolder: configFolderOf(spec),
    initial: given.transcript,
    emit: spec.emit,
    log: spec.log,
  });
  const translator = createTranslator({ now: spec.now, log: spec.log });
  let sessionOptions = spec.start.options;
  let model: string | undefined;
  let live: LiveQuery | undefined;
  let turn: RunningTurn | undefined;
  let stopped = false;

  async function emitAll(bodies: readonly EntryBody[]): Promise<void> {
    for (const body of bodies) await spec.emit(body);
  }

  async function onMessage(message: NativeMessage): Promise<void> {
    if (message.type === "assistant" && message.message?.model !== "<synthetic>")
      model = message.message?.model ?? model;
    await emitAll(translator.translate(message));
    if (message.type === "result") await onResult(message);
    // With a wrong key every try is in vain, and the harness would go on trying for minutes.
    const status = message.subtype === "api_retry" ? message.error_status : undefined;
    if (isCredentialStatus(status)) stopTurn(modelError({ status }));
    if (turn !== undefined) {
      turn.begun ||= SIGNS.has(message.type);
      await followSteering(turn, message);
    }
    if (turn?.progress?.isOver(message) === true) turn.over.resolve();
  }

  async function followSteering(running: RunningTurn, message: NativeMessage): Promise<void> {
    const taken = steering.follow(message);
    for (const messageId of taken) await spec.emit({ kind: "message:taken", turnId: running.turnId, messageId });
    // What began in spite of an interrupt is interrupted too.
    if (taken.length > 0 && running.interrupted) interruptQuery();
  }

  const steering = createSteering({
    give(prompt) {
      turn?.progress?.given(prompt.uuid);
      live?.prompts.push(prompt);
    },
    async cancel(uuid) {
      const cancelled = await cancelMessage(live, uuid).catch((error: unknown) => {
        spec.log("a message could not be taken back", error);
        return false;
      });
      if (cancelled) turn?.progress?.settled(uuid);
      return cancelled;
    },
  });

  function interruptQuery(): void {
    live?.query.interrupt().catch((error: unknown) => spec.log("interrupt failed", error));
  }

  async function onResult(message: NativeMessage): Promise<void> {
    const spent = spentSince(message);
    if (turn !== undefined) turn.spent = addSpent(turn.spent, spent);
    await spec.emit({ kind: "usage", ...spent, ...(model === undefined ? {} : { model }) });
  }

  function onEnd(ended: LiveQuery, reason: string): void {
    if (live !== ended) return;
    live = undefined;
    if (turn === undefined) return;
    // It had died before, and nobody had noticed.
    if (!turn.begun && !turn.again && !turn.interrupted) turn.again = true;
    else if (!turn.interrupted) turn.failure ??= harnessError(reason);
    turn.over.resolve();
  }

  async function open(startSignal: AbortSignal): Promise<LiveQuery> {
    const opened = await openQuery({
      spec,
      sdk,
      transcript,
      sessionId,
      sessionOptions,
      signal: startSignal,
      startTimeoutMs: spec.startDeadlineMs,
      onMessage,
      onEnd,
    });
    if (opened.end.reason !== undefined)
      throw new RuntimeError("harness_failed", harnessError(opened.end.reason).message);
    live = opened;
    return opened;
  }

  function stopTurn(failure?: TurnError, graceMs = times.interruptGraceMs): void {
    if (turn === undefined) return;
    turn.interrupted = true;
    turn.failure ??= failure;
    turn.stop.abort();
    if (turn.progress === undefined) return;
    const stuck = live;
    steering.stop();
    interruptQuery();
    turn.escalation ??= setTimeout(() => {
      spec.log("harness did not stop when it was interrupted: killed", { pid: stuck?.process.pid });
      stuck?.process.kill();
    }, graceMs);
  }

  async function play(running: RunningTurn, messages: readonly HarnessMessage[]): Promise<void> {
    await attempt(running, messages);
    if (!running.again) return;
    running.over = Promise.withResolvers<void>();
    await attempt(running, messages);
  }

  async function attempt(running: RunningTurn, messages: readonly HarnessMessage[]): Promise<void> {
    const signal = AbortSignal.any([running.stop.signal, AbortSignal.timeout(spec.startDeadlineMs)]);
    const opened = live ?? (await open(signal).catch(unlessStopped(running)));
    if (running.interrupted || opened === undefined) return;
    const { prompts } = opened;
    const given = messages.map(steering.promptOf);
    running.progress = createTurnProgress(given.map(({ uuid }) => uuid));
    for (const prompt of given) prompts.push(prompt);
    await running.over.promise;
  }

  async function runTurn(input: { turnId: string; messages: readonly HarnessMessage[] }): Promise<TurnEnd> {
    const running: RunningTurn = {
      turnId: input.turnId,
      progress: undefined,
      spent: NOTHING_SPENT,
      interrupted: false,
      failure: undefined,
      begun: false,
      again: false,
      over: Promise.withResolvers<void>(),
      stop: new AbortController(),
      escalation: undefined,
    };
    turn = running;
    try {
      await play(running, input.messages);
    } catch (error) {
      const { code, message } = toRuntimeError(error, "harness_failed");
      running.failure ??= { code, message };
    }
    clearTimeout(running.escalation);
    turn = undefined;
    steering.end();
    const { bodies, ...outcome } = translator.endTurn(input.turnId, running);
    await emitAll(bodies);
    return { ...running.spent, ...outcome };
  }

  await open(signal);
  return {
    nativeSessionId: sessionId,
    runTurn,
    interrupt: async (failure, graceMs) => stopTurn(failure, graceMs),
    steering: {
      offer(message) {
        if (turn?.interrupted === false) steering.offer(message);
      },
      withdraw: (messageId) => steering.withdraw(messageId),
    },
    async setOptions(options: SessionOptions) {
      sessionOptions = options;
      await live?.query.setModel(modelOf(spec, options));
    },
    flush: () => transcript.flush(),
    async stop() {
      if (stopped) return;
      stopped = true;
      if (turn !== undefined) turn.interrupted = true;
      live?.prompts.end();
      live?.process.kill();
      await transcript.flush();
    },
  };
}

function unlessStopped(running: RunningTurn): (error: unknown) => undefined {
  return (error) => {
    if (!running.interrupted) throw error;
  };
}
