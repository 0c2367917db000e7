import { randomUUID } from "node:crypto";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentProfile, EntryBody, SessionOptions } from "@hhopkins/agent-runtime-protocol";
import { startScriptedModel, type ScriptedModel } from "@hhopkins/agent-runtime-testkit";
import type { Harness, TurnEnd } from "../../architecture.ts";
import { createHostTools } from "../../host-tools/host-tools.ts";
import { DRIVER_TIMES, startHarness, type DriverTimes } from "../driver.ts";

/** The runner's own folder: its node_modules has the SDK. */
const PACKAGES = join(import.meta.dirname, "..", "..", "..");

export interface DrivenOptions {
  readonly model?: ScriptedModel;
  readonly profile?: Partial<AgentProfile>;
  readonly sessionOptions?: SessionOptions;
  readonly environment?: Record<string, string>;
  readonly times?: Partial<DriverTimes>;
  readonly startDeadlineMs?: number;
  readonly allowedTools?: string[];
  /** Another harness whose conversation is resumed from the transcript that it mirrored. */
  readonly resume?: DrivenHarness;
}

/** The real harness against the scripted model, in folders of its own. */
export interface DrivenHarness extends AsyncDisposable {
  readonly harness: Harness;
  readonly model: ScriptedModel;
  readonly workspace: string;
  readonly bodies: EntryBody[];
  readonly logged: { message: string; detail: unknown }[];
  readonly transcript: Map<string, string[]>;
  /** Runs a turn and returns its end with what was emitted in it. */
  turn(content: string): Promise<TurnEnd & { bodies: EntryBody[] }>;
  /** Resolves when a body like that was emitted. */
  seen(matches: (body: EntryBody) => boolean): Promise<void>;
  /** Process id of the harness that was started last. */
  pid(): number;
}

export async function drive(options: DrivenOptions = {}): Promise<DrivenHarness> {
  const model = options.model ?? (await startScriptedModel());
  const root = await mkdtemp(join(tmpdir(), "driven-"));
  const [workspace, home] = [join(root, "workspace"), join(root, "home")];
  await Promise.all([mkdir(workspace), mkdir(home)]);
  const bodies: EntryBody[] = [];
  const logged: { message: string; detail: unknown }[] = [];
  const transcript = new Map([...(options.resume?.transcript ?? [])].map(([key, lines]) => [key, [...lines]]));
  const initial = new Map([...transcript].map(([key, lines]) => [key, [...lines]]));
  const watchers = new Set<() => void>();
  let turns = 0;
  const harness = await startHarness(
    {
      start: {
        kind: "start",
        architecture: "claude-agent-sdk",
        profile: { id: "test", name: "Test", ...options.profile },
        options: options.sessionOptions ?? { model: "claude-sonnet-4-5" },
        ...(options.resume === undefined ? {} : { resume: options.resume.harness.nativeSessionId }),
        ...(options.allowedTools === undefined ? {} : { allowedTools: options.allowedTools }),
        environment: options.environment ?? {},
        ignore: [],
        maxFileBytes: 1_000_000,
      },
      workspace,
      home,
      packages: PACKAGES,
      modelUrl: model.url,
      modelToken: "token-of-the-session",
      startDeadlineMs: options.startDeadlineMs ?? 60_000,
      transcript: initial,
      emit: async (body) => {
        bodies.push(body);
        if (body.kind === "transcript") transcript.set(body.key, [...(transcript.get(body.key) ?? []), ...body.lines]);
        for (const watch of watchers) watch();
      },
      hostTools: createHostTools(async () => undefined),
      now: () => new Date(),
      log: (message, detail) => logged.push({ message, detail }),
    },
    new AbortController().signal,
    { ...DRIVER_TIMES, ...options.times },
  );
  return {
    harness,
    model,
    workspace,
    bodies,
    logged,
    transcript,
    async turn(content) {
      const from = bodies.length;
      turns++;
      const end = await harness.runTurn({ turnId: `turn-${turns}`, messages: [{ messageId: randomUUID(), content }] });
      await harness.flush();
      return { ...end, bodies: bodies.slice(from) };
    },
    async seen(matches) {
      await new Promise<void>((resolve) => {
        const watch = (): void => {
          if (bodies.some(matches)) resolve(void watchers.delete(watch));
        };
        watchers.add(watch);
        watch();
      });
    },
    pid() {
      const { detail } = logged.findLast(({ message }) => message === "harness started") ?? {};
      return (detail as { pid: number }).pid;
    },
    async [Symbol.asyncDispose]() {
      await harness.stop();
      if (options.model === undefined) await model.close();
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
