import { join } from "node:path";
import type {
  AgentDefinition,
  HookCallback,
  Options,
  SessionStore,
  SpawnedProcess,
  SpawnOptions,
} from "@anthropic-ai/claude-agent-sdk";
import {
  HOST_TOOL_SERVER,
  mcpToolPrefix,
  RESULT_ATTEMPTS,
  type AgentProfile,
  type Effort,
  type PermissionMode,
  type PermissionRules,
  type ResultSchema,
  type SessionOptions,
} from "@hhopkins/agent-runtime-protocol";
import type { HarnessSpec } from "../architecture.ts";
import type { Asks } from "./asks/asks.ts";
import type { OpenCall } from "./asks/calls.ts";
import { kindOf, type AfterPlan } from "./asks/permission.ts";
import { backgroundHooks, callsSubagents, WAKING_TOOLS } from "./background.ts";
import type { Layout } from "./layout/layout.ts";
import { resultOptions } from "./structured-result.ts";

export interface OptionsInput {
  readonly spec: HarnessSpec;
  readonly layout: Layout;
  /** The session's options as they are now; the start's may be older. */
  readonly sessionOptions: SessionOptions;
  /** Of the turn that it is started for. */
  readonly resultSchema: ResultSchema | undefined;
  readonly executable: string;
  readonly store: SessionStore;
  readonly sessionId: string;
  /** There is a transcript of that session. */
  readonly resume: boolean;
  readonly spawn: (options: SpawnOptions) => SpawnedProcess;
  readonly asks: Asks;
  /** Called when the tools of an answer have run. */
  readonly afterTools: HookCallback;
  /** It goes on with this call, which was put off, as soon as it is there. */
  readonly continuing: OpenCall | undefined;
}

/** The harness's options. Nothing of the machine's own Claude settings is read: the sandbox is all there is. */
export function queryOptions(input: OptionsInput): Options {
  const { spec, sessionId, sessionOptions } = input;
  const { profile } = spec.start;
  const model = modelOf(spec, sessionOptions);
  const effort = effortOf(spec, sessionOptions);
  return {
    cwd: spec.workspace,
    env: environmentOf(spec, process.getuid?.() === 0),
    pathToClaudeCodeExecutable: input.executable,
    spawnClaudeCodeProcess: input.spawn,
    systemPrompt: systemPromptOf(profile),
    settingSources: [],
    strictMcpConfig: true,
    permissionMode: firstMode(input),
    // A session can be given that mode later.
    allowDangerouslySkipPermissions: true,
    ...askOptions(input),
    ...filesOf(input.layout),
    ...mcpOf(input.layout),
    ...resultOptions(input.resultSchema),
    includePartialMessages: true,
    forwardSubagentText: true,
    extraArgs: { "replay-user-messages": null },
    sessionStore: input.store,
    sessionStoreFlush: "eager",
    ...(input.resume ? { resume: sessionId } : { sessionId }),
    ...(model === undefined ? {} : { model }),
    ...(effort === undefined ? {} : { effort }),
    ...(profile.tools === undefined ? {} : { tools: toolsOf(profile, profile.tools) }),
    disallowedTools: [...(profile.disallowedTools ?? []), ...WAKING_TOOLS],
    ...(profile.subagents === undefined ? {} : { agents: agentsOf(profile.subagents) }),
  };
}

/** A person may need days: nothing of the harness's own answers for them before. */
function askOptions(input: OptionsInput): Partial<Options> {
  const { canUseTool, onElicitation } = input.asks;
  return {
    canUseTool,
    onElicitation,
    settings: { permissions: firstRules(input), askUserQuestionTimeout: "never", dialogExpiry: "never" },
    hooks: {
      PreToolUse: backgroundHooks(input.spec.start.profile),
      PostToolBatch: [{ hooks: [input.afterTools] }],
    },
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

/** As the model; undefined: the harness's own choice. */
export function effortOf(spec: HarnessSpec, options: SessionOptions): Effort | undefined {
  return options.effort ?? spec.start.profile.effort;
}

function systemPromptOf({ systemPrompt }: AgentProfile): NonNullable<Options["systemPrompt"]> {
  if (typeof systemPrompt === "string") return systemPrompt;
  return { type: "preset", preset: "claude_code", ...systemPrompt };
}

/** Files of the profile lie outside of the workspace, and nothing else of the harness's settings is read. */
function filesOf({ files }: Layout): Pick<Options, "plugins" | "skills" | "additionalDirectories"> {
  const { plugin, skills, memory } = files;
  return {
    ...(plugin === undefined
      ? {}
      : { plugins: [{ type: "local", path: plugin, skipMcpDiscovery: true }], skills: [...skills] }),
    ...(memory === undefined ? {} : { additionalDirectories: [memory] }),
  };
}

function mcpOf({ mcp, host }: Layout): Pick<Options, "mcpServers" | "mcpServersDelivery"> {
  const mcpServers = { ...mcp.configs, ...host.configs() };
  // Not on the command line, where every process inside could read what is in their variables.
  return Object.keys(mcpServers).length === 0 ? {} : { mcpServers, mcpServersDelivery: "initialize" };
}

/** `Bash(git *)` names a tool, and what of it is allowed. */
function toolOf(rule: string): string {
  return rule.replace(/\(.*$/s, "");
}

/** Tools of MCP servers are always offered; to call a subagent or a skill, the harness has a tool each. */
function toolsOf(profile: AgentProfile, rules: readonly string[]): string[] {
  const named = rules.map(toolOf).filter((tool) => !tool.startsWith("mcp__"));
  const subagents = (profile.subagents ?? []).length > 0 && !named.includes("Task") ? ["Agent"] : [];
  const skills = (profile.skills ?? []).length > 0 ? ["Skill"] : [];
  return [...new Set([...named, ...subagents, ...skills])];
}

/**
 * The sandbox is the fence, so nothing is asked but what a rule says; where the profile has patterns, what fits none is
 * refused, or asked where the profile asks at all.
 */
export function permissionModeOf(spec: HarnessSpec, options: SessionOptions): PermissionMode {
  const { tools = [], permissionMode, permissions } = spec.start.profile;
  const patterns = tools.some((rule) => rule !== toolOf(rule));
  const asking = (permissions?.ask ?? []).length > 0;
  const absent = asking ? "default" : "dontAsk";
  return options.permissionMode ?? permissionMode ?? (patterns ? absent : "bypassPermissions");
}

/** Everything that is allowed in every mode. */
export function allowRules({ start }: HarnessSpec, { allowed }: Asks): string[] {
  return [...allowedOf(start.profile), ...(start.profile.permissions?.allow ?? []), ...allowed];
}

/**
 * A call that was put off is made before the process hears anything from us. So it begins in a mode, and without the
 * rules, by which that call would be made unasked: what was answered is what happens. The end of a plan is understood in
 * `plan` alone.
 */
function firstMode({ spec, sessionOptions, continuing }: OptionsInput): PermissionMode {
  if (continuing === undefined) return permissionModeOf(spec, sessionOptions);
  return kindOf(continuing.toolName) === "plan" ? "plan" : "default";
}

function firstRules({ spec, asks, continuing }: OptionsInput): PermissionRules {
  const rules = allowRules(spec, asks);
  const allow = continuing === undefined ? rules : rules.filter((rule) => !isAbout(rule, continuing.toolName));
  return { ...spec.start.profile.permissions, allow };
}

function isAbout(rule: string, toolName: string): boolean {
  const tool = toolOf(rule);
  return tool.endsWith("*") ? toolName.startsWith(tool.slice(0, -1)) : tool === toolName;
}

/** The mode once a plan was approved: the session's, or the profile's where the session's is `plan`. */
export function afterPlan(spec: HarnessSpec, options: SessionOptions): AfterPlan {
  const mode = permissionModeOf(spec, options);
  if (mode !== "plan") return { permissionMode: mode, isNew: false };
  const own = permissionModeOf(spec, {});
  return { permissionMode: own === "plan" ? "default" : own, isNew: true };
}

/** What is allowed in every mode: the profile's tools, and what its subagents, skills and servers are called by. */
function allowedOf({ tools, bundledMCPs = [], externalMCPs = [] }: AgentProfile): string[] {
  const names = [HOST_TOOL_SERVER, ...[...bundledMCPs, ...externalMCPs].map(({ name }) => name)];
  const servers = names.map((name) => `${mcpToolPrefix(name)}*`);
  return [...(tools ?? []), "Agent", "Skill", ...servers];
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
    MAX_STRUCTURED_OUTPUT_RETRIES: String(RESULT_ATTEMPTS),
    // For an MCP server to be ready; the first turn waits for it.
    MCP_TIMEOUT: "20000",
    // For a call of its tools; without a bound, one that is never answered would hold the turn for ever.
    MCP_TOOL_TIMEOUT: "600000",
    ...(process.env["TMPDIR"] === undefined ? {} : { TMPDIR: process.env["TMPDIR"] }),
    ...spec.start.environment,
    HOME: spec.home,
    CLAUDE_CONFIG_DIR: configFolderOf(spec),
    ANTHROPIC_BASE_URL: spec.modelUrl,
    ANTHROPIC_API_KEY: spec.modelToken,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: "1",
    ...(callsSubagents(spec.start.profile) ? {} : { CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1" }),
    DISABLE_AUTOUPDATER: "1",
    // The memory file of a folder that the harness is told of is read, without any of the machine's settings.
    CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: "1",
    // The harness refuses to skip its permission asks as root, unless it is told that a sandbox is around it.
    ...(asRoot ? { IS_SANDBOX: "1" } : {}),
  };
}
