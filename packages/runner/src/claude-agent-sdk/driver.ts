import { randomUUID } from "node:crypto";
import { join } from "node:path";
import {
  RuntimeError,
  toRuntimeError,
  type EntryBody,
  type ResultSchema,
  type SessionOptions,
  type TurnError,
} from "@hhopkins/agent-runtime-protocol";
import type { Harness, HarnessContinuation, HarnessMessage, HarnessSpec, TurnEnd } from "../architecture.ts";
import { createBackground } from "./background.ts";
import { createAsks } from "./asks/asks.ts";
import type { OpenCall } from "./asks/calls.ts";
import { deferTurn } from "./asks/deferral.ts";
import { harnessError, isCredentialStatus, modelError } from "./failures.ts";
import { layOutProfile } from "./layout/layout.ts";
import { createMcpWatch } from "./layout/mcp-watch.ts";
import { cancelMessage, mcpStatuses, openQuery, type LiveQuery } from "./live-query.ts";
import type { NativeMessage } from "./native.ts";
import { afterPlan, allowRules, configFolderOf, effortOf, modelOf, permissionModeOf } from "./options.ts";
import { newTurn, type RunningTurn } from "./running-turn.ts";
import { loadSdk } from "./sdk.ts";
import { createSpoken } from "./spoken.ts";
import { createSteering } from "./steering.ts";
import { lackingResult, resultOf } from "./structured-result.ts";
import { createSubagentUsage } from "./subagent-usage.ts";
import { openTranscript } from "./transcript.ts";
import { createTranslator } from "./translator.ts";
import { createTurnBounds, limitsOf } from "./turn-bounds.ts";
import { costOf } from "./process-cost.ts";
import { createTurnProgress } from "./turn-progress.ts";
import { addSpent, spentSince } from "./usage.ts";

export interface DriverTimes {
  /** How long a turn may go on after an interrupt before the process is killed. */
  readonly interruptGraceMs: number;
}

export const DRIVER_TIMES: DriverTimes = { interruptGraceMs: 8000 };

/** Messages of a harness that works. */
const SIGNS = new Set(["command_lifecycle", "stream_event", "assistant", "user", "result"]);

/** Starts the harness: one process for many turns, started again when it died. */
export async function startHarness(given: HarnessSpec, signal: AbortSignal, times = DRIVER_TIMES): Promise<Harness> {
  // Without the old transcript, which is on disk in a moment: it can be large, and what follows lives long.
  const spec: HarnessSpec = { ...given, transcript: new Map() };
  const sdk = await loadSdk(spec.packages);
  const sessionId = spec.start.resume ?? randomUUID();
  const transcript = await openTranscript({
    folder: join(spec.home, ".agent-runtime", "transcript"),
    configFolder: configFolderOf(spec),
    sessionId,
    initial: given.transcript,
    emit: spec.emit,
    onAppended: (key, entries) => subagentUsage.appended(key, entries),
    log: spec.log,
  });
  const translator = createTranslator({ now: spec.now, log: spec.log });
  const subagentUsage = createSubagentUsage(translator.subagents.idOf);
  let background = createBackground();
  const layout = await layOutProfile(spec);
  const spoken = createSpoken({ profile: spec.start.profile, skillFolder: layout.files.skillFolder });
  const asks = createAsks({
    workspace: spec.workspace,
    allowed: spec.start.allowedTools ?? [],
    emit: spec.emit,
    approvals: transcript.approvals,
    afterPlan: () => afterPlan(spec, sessionOptions),
    askRules: spec.start.profile.permissions?.ask ?? [],
    onWaiting: (waiting) => bounds.hold(waiting),
    hasSubagents: () => background.hasSubagents,
    onResumed: async () => asAlways(await resuming.catch(() => undefined)),
  });
  const mcpWatch = createMcpWatch({
    servers: Object.keys(layout.mcp.configs),
    logs: layout.mcpLogs,
    statuses: async () => (live === undefined ? [] : mcpStatuses(live, spec)),
    now: spec.now,
  });
  let sessionOptions = spec.start.options;
  let model: string | undefined;
  let live: LiveQuery | undefined;
  /** What the process that lives was started for and cannot change. */
  let startedFor: ResultSchema | undefined;
  /** In USD, what the process that lives had cost at its last result. */
  let paid: Promise<number | undefined> = Promise.resolve(undefined);
  let turn: RunningTurn | undefined;
  let stopped = false;
  /** The process that goes on with a call that was put off. */
  let resuming: Promise<LiveQuery | undefined> = Promise.resolve(undefined);

  async function emitAll(bodies: readonly EntryBody[]): Promise<void> {
    for (const body of bodies) await spec.emit(body);
  }

  async function onMessage(message: NativeMessage): Promise<void> {
    if (turn?.deferred === true) {
      if (message.type === "result") await onResult(message).finally(turn.over.resolve);
      return;
    }
    if (message.type === "assistant" && message.message?.model !== "<synthetic>")
      model = message.message?.model ?? model;
    await emitAll(translator.translate(message));
    background.follow(message);
    layout.host.follow(message);
    await asks.follow(message);
    await emitAll(await mcpWatch.follow(message).catch(notTold));
    if (message.type === "result") await onResult(message);
    // With a wrong key every try is in vain, and the harness would go on trying for minutes.
    const status = message.subtype === "api_retry" ? message.error_status : undefined;
    if (isCredentialStatus(status)) stopTurn(modelError({ status }));
    if (turn !== undefined) {
      turn.begun ||= SIGNS.has(message.type);
      await followSteering(turn, message);
    }
    if (turn?.progress?.isOver(message) !== true) return;
    if (live !== undefined)
      await background.endRest(live.query).catch((error: unknown) => spec.log("a command goes on", error));
    turn.over.resolve();
  }

  function notTold(error: unknown): EntryBody[] {
    spec.log("the state of an MCP server could not be told", error);
    return [];
  }

  async function followSteering(running: RunningTurn, message: NativeMessage): Promise<void> {
    const taken = steering.follow(message);
    for (const messageId of taken) await spec.emit({ kind: "message:taken", turnId: running.turnId, messageId });
    // What began in spite of an interrupt is interrupted too.
    if (taken.length > 0 && running.interrupted) interruptQuery();
  }

  const steering = createSteering({
    hasSubagents: () => background.hasSubagents,
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
    paid = Promise.resolve(message.total_cost_usd);
    bounds.ended();
    if (turn !== undefined) {
      turn.spent = addSpent(turn.spent, spent);
      turn.result = message.structured_output ?? turn.result;
    }
    await spec.emit({ kind: "usage", ...spent, ...(model === undefined ? {} : { model }) });
    await emitAll(subagentUsage.take(message));
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

  async function close(): Promise<void> {
    const old = live;
    live = undefined;
    old?.prompts.end();
    old?.process.kill();
    await old?.gone;
  }

  /** A process that is to result in something else ends; its conversation goes on in another one. */
  function renew(): void {
    const stale = JSON.stringify(startedFor) !== JSON.stringify(turn?.resultSchema);
    if (live !== undefined && stale) void close();
  }

  const bounds = createTurnBounds({
    limits: () => limitsOf(spec, sessionOptions),
    async cost() {
      const before = turn?.spent.costUSD ?? 0;
      const [now, then] = live === undefined ? [] : await Promise.all([costOf(live, spec), paid]);
      return now === undefined || then === undefined ? before : before + Math.max(0, now - then);
    },
    hasSubagents: () => background.hasSubagents,
    fail(failure) {
      if (turn !== undefined) turn.failure ??= failure;
    },
    stop: stopTurn,
  });

  async function open(startSignal: AbortSignal, continuing?: OpenCall): Promise<LiveQuery> {
    startedFor = turn?.resultSchema;
    background = createBackground();
    const opened = await openQuery({
      spec,
      layout,
      sdk,
      transcript,
      sessionId,
      sessionOptions,
      resultSchema: startedFor,
      afterTools: bounds.afterTools,
      asks,
      continuing,
      signal: startSignal,
      startTimeoutMs: spec.startDeadlineMs,
      onMessage,
      onEnd,
    });
    if (opened.end.reason !== undefined)
      throw new RuntimeError("harness_failed", harnessError(opened.end.reason).message);
    live = opened;
    paid = costOf(opened, spec);
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
    renew();
    const opened = live ?? (await openFor(running));
    if (running.interrupted || opened === undefined) return;
    const { prompts } = opened;
    const given = messages.map(steering.promptOf);
    running.progress = createTurnProgress(given.map(({ uuid }) => uuid));
    for (const prompt of given) prompts.push(prompt);
    await running.over.promise;
  }

  async function openFor(running: RunningTurn, continuing?: OpenCall): Promise<LiveQuery | undefined> {
    const startSignal = AbortSignal.any([running.stop.signal, AbortSignal.timeout(spec.startDeadlineMs)]);
    return open(startSignal, continuing).catch(unlessStopped(running));
  }

  /** The process goes on by itself with the call that was put off, and asks for it once more. */
  async function goOn(running: RunningTurn, given: HarnessContinuation["asks"]): Promise<void> {
    asks.restore(given);
    await close();
    const toolUseId = given[0]?.ask.toolUseId;
    const call = toolUseId === undefined ? undefined : await transcript.beginWith(toolUseId);
    if (call === undefined) throw new RuntimeError("harness_failed", "The conversation lacks the call that waits.");
    asks.resumeCall(call);
    translator.resumeCall(call);
    running.again = true;
    running.progress = createTurnProgress([], true);
    if (running.interrupted) return;
    resuming = openFor(running, call);
    const resumed = await resuming;
    if (resumed === undefined) return;
    if (running.interrupted) interruptQuery();
    const stalled = setTimeout(() => {
      if (running.begun) return;
      running.failure ??= harnessError("it did not go on with the call that waited");
      resumed.process.kill();
    }, spec.startDeadlineMs);
    await running.over.promise;
    clearTimeout(stalled);
  }

  async function asAlways(resumed: LiveQuery | undefined): Promise<void> {
    if (resumed === undefined) return;
    const { query } = resumed;
    try {
      await query.applyFlagSettings({ permissions: { allow: allowRules(spec, asks) } });
      await query.setPermissionMode(permissionModeOf(spec, sessionOptions));
    } catch (error) {
      spec.log("the agent asks more than it has to", error);
    }
  }

  async function playTurn(running: RunningTurn, work: () => Promise<void>): Promise<TurnEnd> {
    turn = running;
    bounds.begin();
    try {
      await work();
    } catch (error) {
      const { code, message } = toRuntimeError(error, "harness_failed");
      running.failure ??= { code, message };
    }
    bounds.end();
    clearTimeout(running.escalation);
    const unbegun = await asks.end();
    if (running.deferred) return leave(running);
    turn = undefined;
    steering.end();
    await emitAll(subagentUsage.endTurn());
    const lacking = lackingResult(running);
    const { bodies, ...outcome } = translator.endTurn(running.turnId, { ...running, unbegun, lacking });
    await emitAll(bodies);
    return { ...running.spent, ...outcome, ...resultOf(running, outcome.status) };
  }

  async function leave(running: RunningTurn): Promise<TurnEnd> {
    await close();
    turn = undefined;
    steering.end();
    translator.leaveTurn();
    return { ...running.spent, status: "interrupted", deferred: true };
  }

  await open(signal);
  return {
    nativeSessionId: sessionId,
    runTurn(input) {
      const running = newTurn(input.turnId, input.resultSchema);
      return playTurn(running, () => play(running, spoken.ofTurn(input.messages)));
    },
    asking: {
      answer: asks.answer,
      defer: () => deferTurn({ asks, transcript, turn: () => turn, graceMs: times.interruptGraceMs }),
      continueTurn(input) {
        const running = newTurn(input.turnId, input.resultSchema);
        return playTurn(running, () => goOn(running, input.asks));
      },
    },
    interrupt: async (failure, graceMs) => stopTurn(failure, graceMs),
    steering: {
      offer(message) {
        if (turn?.interrupted === false) steering.offer(spoken.steered(message));
      },
      withdraw: (messageId) => steering.withdraw(messageId),
    },
    async stopSubagent(subagentId) {
      const task = translator.subagents.taskOf(subagentId);
      if (task === undefined || live === undefined) return false;
      await live.query.stopTask(task);
      return true;
    },
    async setOptions(options: SessionOptions) {
      const before = sessionOptions;
      sessionOptions = options;
      bounds.changed();
      const mode = permissionModeOf(spec, options);
      if (mode !== permissionModeOf(spec, before)) await live?.query.setPermissionMode(mode);
      const [wanted, effort] = [modelOf(spec, options), effortOf(spec, options)];
      // Another model begins with an effort of its own.
      if (wanted !== modelOf(spec, before)) await live?.query.setModel(wanted);
      else if (effort === effortOf(spec, before)) return;
      await live?.query.applyFlagSettings({ effortLevel: effort ?? null });
    },
    flush: () => transcript.flush(),
    async stop() {
      if (stopped) return;
      stopped = true;
      if (turn !== undefined) turn.interrupted = true;
      live?.prompts.end();
      live?.process.kill();
      layout.close();
      await transcript.flush();
    },
  };
}

function unlessStopped(running: RunningTurn): (error: unknown) => undefined {
  return (error) => {
    if (!running.interrupted) throw error;
  };
}
