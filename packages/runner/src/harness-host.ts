import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { AgentProfile, EntryBody, StartCommand } from "@hhopkins/agent-runtime-protocol";
import type { Harness, HarnessSpec, RunnerArchitecture } from "./architecture.ts";
import { withDeadline } from "./deadline.ts";
import type { RunnerPaths } from "./environment.ts";
import type { HostTools } from "./host-tools/host-tools.ts";
import type { Log } from "./log.ts";

export interface HarnessHostOptions {
  readonly paths: RunnerPaths;
  readonly modelUrl: string;
  readonly modelToken: string;
  /** Variables with which the harness's tools find the gateway, by what the profile's variables are. */
  readonly toolEnvironment: (profile: AgentProfile) => Readonly<Record<string, string>>;
  readonly startDeadlineMs: number;
  readonly findArchitecture: (name: string) => RunnerArchitecture | undefined;
  readonly emit: (body: EntryBody) => Promise<void>;
  readonly hostTools: HostTools;
  readonly now: () => Date;
  readonly log: Log;
}

/** The one harness of this sandbox, from its start to its end. */
export interface HarnessHost {
  /** null before the start and after the end. */
  readonly harness: Harness | null;
  putTranscript(key: string, lines: readonly string[]): void;
  /** Throws `unknown_architecture`, `conflict` when one runs, `harness_timeout`, or what the harness failed with. */
  start(command: StartCommand): Promise<Harness>;
  /** Ends the harness, also one that is just starting. Never rejects. */
  stop(): Promise<void>;
}

const STOP_DEADLINE_MS = 10_000;

export function createHarnessHost(options: HarnessHostOptions): HarnessHost {
  const { paths, log } = options;
  const transcript = new Map<string, string[]>();
  let harness: Harness | null = null;
  let starting: AbortController | null = null;

  function specOf(start: StartCommand): HarnessSpec {
    const environment = { ...options.toolEnvironment(start.profile), ...start.environment };
    if (paths.environment !== undefined) environment["AGENT_RUNTIME_ENVIRONMENT"] = paths.environment;
    return {
      start: { ...start, environment },
      workspace: paths.workspace,
      home: paths.home,
      packages: paths.packages,
      modelUrl: options.modelUrl,
      modelToken: options.modelToken,
      startDeadlineMs: options.startDeadlineMs,
      transcript: new Map(transcript),
      emit: options.emit,
      hostTools: options.hostTools,
      now: options.now,
      log,
    };
  }

  async function stopQuietly(of: Harness): Promise<void> {
    try {
      await withDeadline(of.stop(), STOP_DEADLINE_MS, "The harness did not end");
    } catch (error) {
      log("harness: stop failed", error);
    }
  }

  async function begin(architecture: RunnerArchitecture, start: StartCommand): Promise<Harness> {
    const abort = new AbortController();
    starting = abort;
    const work = architecture.start(specOf(start), abort.signal);
    // Who comes too late, or after the runner was told to stop, is ended at once.
    work.then(
      (late) => (abort.signal.aborted ? stopQuietly(late) : undefined),
      () => undefined,
    );
    try {
      const started = await withDeadline(work, options.startDeadlineMs, "The harness was not ready");
      if (abort.signal.aborted) throw new RuntimeError("shutting_down", "The runner stops.");
      return started;
    } catch (error) {
      abort.abort();
      throw toRuntimeError(error, "harness_failed");
    } finally {
      starting = null;
    }
  }

  return {
    get harness() {
      return harness;
    },
    putTranscript(key, lines) {
      const known = transcript.get(key);
      if (known === undefined) transcript.set(key, [...lines]);
      else for (const line of lines) known.push(line);
    },
    async start(command) {
      const architecture = options.findArchitecture(command.architecture);
      if (architecture === undefined) {
        throw new RuntimeError("unknown_architecture", `This runner has no architecture ${command.architecture}.`);
      }
      if (harness !== null) throw new RuntimeError("conflict", "The harness was started before.");
      harness = await begin(architecture, command);
      transcript.clear();
      return harness;
    },
    async stop() {
      starting?.abort();
      const running = harness;
      harness = null;
      if (running !== null) await stopQuietly(running);
    },
  };
}
