import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { MAIN_CONVERSATION, RuntimeError, type FileReport, type SyncReport } from "@hhopkins/agent-runtime-protocol";
import type { CommandBody, StartCommand } from "@hhopkins/agent-runtime-protocol";
import type { Harness, RunnerArchitecture } from "./architecture.ts";
import { createAttachments } from "./attachments.ts";
import { startBridge } from "./bridge.ts";
import { openCommandLedger } from "./commands/command-ledger.ts";
import { createCommands } from "./commands/commands.ts";
import { withDeadline } from "./deadline.ts";
import type { RunnerSettings } from "./environment.ts";
import { gatewayEnvironment } from "./gateway-environment.ts";
import { createHarnessHost } from "./harness-host.ts";
import { createHostTools } from "./host-tools/host-tools.ts";
import { openJournal } from "./journal/journal.ts";
import { startLink } from "./link/link.ts";
import { createSolitude } from "./solitude.ts";
import type { Log } from "./log.ts";
import { createSpeech } from "./speech.ts";
import { stateFile } from "./state-file.ts";
import { OpenTurn, createTurns } from "./turns.ts";
import { createTracker } from "./workspace/tracker.ts";

export interface RunnerOptions extends RunnerSettings {
  readonly findArchitecture: (name: string) => RunnerArchitecture | undefined;
  readonly now: () => Date;
  readonly log: Log;
  /** Preferred port of the bridge to the model. */
  readonly bridgePort?: number;
}

export interface Runner {
  /** Where the harness reaches the model. */
  readonly modelUrl: string;
  /** Resolves when the runner was alone for too long: then it is to be stopped. */
  readonly alone: Promise<void>;
  /** Ends the harness, gives a server that is attached a moment to take what is left, and closes. Once; later calls wait for it. */
  stop(): Promise<void>;
}

const OPTIONS_DEADLINE_MS = 10_000;
const FLUSH_DEADLINE_MS = 30_000;
const DRAIN_MS = 5_000;

/** The process inside the sandbox: owns the harness, journals what it says, obeys the server that is attached. */
export async function startRunner(options: RunnerOptions): Promise<Runner> {
  const { log, now } = options;
  const { workspace: given, home, state, sockets } = options.paths;
  for (const folder of [given, home, state]) mkdirSync(folder, { recursive: true });
  const paths = { ...options.paths, workspace: realpathSync(given) };
  const journal = openJournal({ folder: join(state, "journal"), maxBytes: options.journalBytes, log });
  const speech = createSpeech({ journal, log });
  const bridge = await startBridge({ socket: join(sockets, "gateway.sock"), log, port: options.bridgePort });
  let ending = false;
  let prepared = false;

  const tracker = createTracker({
    root: paths.workspace,
    state,
    append: speech.say,
    last: () => journal.last,
    onSkipped: tellSkipped,
    log,
  });
  const gateway = { url: options.gatewayUrl ?? bridge.url, bridge: bridge.url, token: options.modelToken };
  const toolEnvironment = gatewayEnvironment({ ...gateway, network: options.network });
  const hostTools = createHostTools(speech.say);
  const about = { paths, modelUrl: gateway.url, toolEnvironment, hostTools };
  const host = createHarnessHost({ ...options, ...about, emit: speech.say });
  const attachments = createAttachments({ folder: join(state, "attachments"), workspace: paths.workspace });
  const turns = createTurns({
    attachments,
    now,
    append: speech.say,
    afterTurn: () => tracker.scan(),
    openTurn: stateFile(join(state, "turn.json"), OpenTurn),
    log,
    onBusy(busy) {
      tracker.setBusy(busy);
      solitude.update();
    },
  });
  await turns.closeLeftOver();

  async function tellSkipped(count: number): Promise<void> {
    const content = `${count} entries of the workspace are not kept: their names are no valid UTF-8, or contain a backslash.`;
    const id = `files-skipped:${options.generation}`;
    const block = { type: "system", id, timestamp: now().toISOString(), content, subtype: "files_skipped" } as const;
    await speech.say({ kind: "block:start", conversationId: MAIN_CONVERSATION, block });
    await speech.say({ kind: "block:complete", conversationId: MAIN_CONVERSATION, block });
  }

  async function start(command: StartCommand): Promise<{ nativeSessionId: string }> {
    if (ending) throw endingError();
    await tracker.begin(command);
    const { nativeSessionId } = await host.start(command);
    await speech.say({ kind: "harness:ready", nativeSessionId });
    return { nativeSessionId };
  }

  function running(): Harness {
    if (ending) throw endingError();
    if (host.harness === null) throw new RuntimeError("conflict", "The harness is not started: send `start` first.");
    return host.harness;
  }

  async function flush(): Promise<void> {
    if (host.harness === null) return;
    await withDeadline(host.harness.flush(), FLUSH_DEADLINE_MS, "The harness did not hand over what it had to say");
  }

  async function sync(): Promise<SyncReport> {
    await flush();
    return tracker.sync();
  }

  function refuseWhileRunning(): void {
    if (turns.running) throw new RuntimeError("conflict", "A turn is running: interrupt it first.");
  }

  async function prepareEnd(): Promise<SyncReport> {
    refuseWhileRunning();
    await flush();
    refuseWhileRunning();
    ending = prepared = true;
    // What the harness left running could still write; after this nothing does.
    await host.stop();
    return sync();
  }

  function refusedEnding(): FileReport {
    return { last: journal.last, refused: "ending" };
  }

  async function handle(command: CommandBody): Promise<unknown> {
    switch (command.kind) {
      case "file:put":
        return tracker.put(command);
      case "file:write":
        return ending ? refusedEnding() : tracker.write(command);
      case "file:remove":
        return ending ? refusedEnding() : tracker.remove(command.path);
      case "transcript:put":
        return host.putTranscript(command.key, command.lines);
      case "start":
        return start(command);
      case "attachment:put":
        return attachments.put(command);
      case "message":
        return turns.take(command, running());
      case "interrupt":
        return turns.interrupt(command);
      case "stop-subagent":
        return turns.stopSubagent(command);
      case "steer":
        return turns.steer(command);
      case "unsteer":
        return turns.unsteer(command);
      case "options":
        return withDeadline(
          running().setOptions(command.options),
          OPTIONS_DEADLINE_MS,
          "The harness did not take the options",
        );
      case "answer":
        return turns.answer(command);
      case "defer":
        return turns.defer(command);
      case "continue":
        return turns.continue(command, running());
      case "host-tool:result":
        return hostTools.settle(command.callId, command.result);
      case "sync":
        return sync();
      case "resend":
        return tracker.resend(command.blobs);
      case "list":
        return tracker.list(command.after);
      case "prepare-end":
        return prepareEnd();
      default:
        return command satisfies never;
    }
  }

  const commands = createCommands({
    ledger: openCommandLedger(join(state, "commands.ndjson")),
    handle,
    log,
    reply(id, result) {
      link.reply({ type: "reply", id, ...result });
    },
  });
  const link = startLink({
    socket: join(sockets, "runner.sock"),
    state,
    generation: options.generation,
    journal,
    log,
    onCommand: commands.take,
    isEnding: () => prepared,
    onAttached() {
      solitude.update();
      tracker.scan().catch((error: unknown) => log("workspace: scan after attach failed", error));
    },
    onDetached: () => solitude.update(),
    onTakenOver: () => bridge.breakStale(),
  });
  const solitude = createSolitude({ aloneMs: options.aloneMs, isAlone: () => !link.attached && !turns.running });

  async function end(): Promise<void> {
    solitude.stop();
    ending = true;
    await host.stop();
    await withDeadline(turns.idle(), DRAIN_MS, "The turn did not end").catch((error: unknown) => log("stop", error));
    await tracker.stop();
    await speech.drained(DRAIN_MS, () => link.attached);
    await link.stop();
    await bridge.stop();
    journal.close();
  }

  let ended: Promise<void> | null = null;
  return { modelUrl: gateway.url, alone: solitude.over, stop: () => (ended ??= end()) };
}

function endingError(): RuntimeError {
  return new RuntimeError("shutting_down", "This runner was prepared to end.");
}
