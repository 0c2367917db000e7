import { join } from "node:path";
import type {
  AgentDefinition,
  Options,
  SessionStore,
  SpawnedProcess,
  SpawnOptions,
} from "@anthropic-ai/claude-agent-sdk";
import type { SessionOptions } from "@hhopkins/agent-runtime-protocol";
import type { HarnessSpec } from "../architecture.ts";

export interface OptionsInput {
  readonly spec: HarnessSpec;
  /** The session's options as they are now; the start's may be older. */
  readonly sessionOptions: SessionOptions;
  readonly executable: string;
  readonly store: SessionStore;
  readonly sessionId: string;
  /** There is a transcript of that session. */
  readonly resume: boolean;
  readonly spawn: (options: SpawnOptions) => SpawnedProcess;
}

/** The harness's options. Nothing of the machine's own Claude settings is read: the sandbox is all there is. */
export function queryOptions(input: OptionsInput): Options {
  const { spec, sessionId } = input;
  const { profile } = spec.start;
  const model = modelOf(spec, input.sessionOptions);
  return {
    cwd: spec.workspace,
    env: environmentOf(spec, process.getuid?.() === 0),
    pathToClaudeCodeExecutable: input.executable,
    spawnClaudeCodeProcess: input.spawn,
    systemPrompt: profile.systemPrompt ?? { type: "preset", preset: "claude_code" },
    settingSources: [],
    strictMcpConfig: true,
    permissionMode: "bypassPermissions",
    allowDangerouslySkipPermissions: true,
    includePartialMessages: true,
    forwardSubagentText: true,
    extraArgs: { "replay-user-messages": null },
    sessionStore: input.store,
    sessionStoreFlush: "eager",
    ...(input.resume ? { resume: sessionId } : { sessionId }),
    ...(model === undefined ? {} : { model }),
    ...(profile.tools === undefined ? {} : { tools: toolsOf(profile.tools, (profile.subagents ?? []).length > 0) }),
    ...(profile.subagents === undefined ? {} : { agents: agentsOf(profile.subagents) }),
  };
}

/** The session's model before the profile's; undefined: the harness's own choice. */
export function modelOf(spec: HarnessSpec, options: SessionOptions): string | undefined {
  return options.model ?? spec.start.profile.model;
}

/** Where the harness keeps its own files, except while it runs on a conversation that was resumed. */
export function configFolderOf(spec: HarnessSpec): string {
  return join(spec.home, ".claude");
}

/** Subagents are called by the tool `Agent`; a profile that has them and lists tools means that one too. */
function toolsOf(tools: readonly string[], hasSubagents: boolean): string[] {
  const missing = hasSubagents && !tools.includes("Agent") && !tools.includes("Task");
  return missing ? [...tools, "Agent"] : [...tools];
}

function agentsOf(
  subagents: NonNullable<HarnessSpec["start"]["profile"]["subagents"]>,
): Record<string, AgentDefinition> {
  return Object.fromEntries(
    subagents.map(({ name, description, prompt, model, tools }) => [
      name,
      { description, prompt, ...(model === undefined ? {} : { model }), ...(tools === undefined ? {} : { tools }) },
    ]),
  );
}

/** The whole environment of the harness and its tools: nothing is inherited but `PATH`. */
function environmentOf(spec: HarnessSpec, asRoot: boolean): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    LANG: "C.UTF-8",
    // With its backoff some five minutes of an unreachable or overloaded model; a person can interrupt at any time.
    CLAUDE_CODE_MAX_RETRIES: "15",
    ...(process.env["TMPDIR"] === undefined ? {} : { TMPDIR: process.env["TMPDIR"] }),
    ...spec.start.environment,
    HOME: spec.home,
    CLAUDE_CONFIG_DIR: configFolderOf(spec),
    ANTHROPIC_BASE_URL: spec.modelUrl,
    ANTHROPIC_API_KEY: spec.modelToken,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "1",
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    DISABLE_AUTOUPDATER: "1",
    // The harness refuses to skip its permission asks as root, unless it is told that a sandbox is around it.
    ...(asRoot ? { IS_SANDBOX: "1" } : {}),
  };
}
