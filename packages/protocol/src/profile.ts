import { z } from "zod";
import { AskRules } from "./asks.ts";
import { WorkspaceFileInput } from "./files.ts";
import { HostToolName } from "./host-tools.ts";
import { PermissionRules, PermissionMode } from "./permission-mode.ts";
import { CommandName, distinctMcpServers, fitsTheWire, McpName, namedList, SkillName } from "./profile-names.ts";
import { Effort, TurnLimits } from "./turn-limits.ts";

/** Name of a secret: it stands in headers and environments in place of the value. */
const SecretName = z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "must be 1–100 of A-Z a-z 0-9 _ -");

/** `example.com`, `*.example.com`, `example.com:8443`, `[::1]:8443`. */
const HostPattern = z
  .string()
  .regex(/^((\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(:[1-9]\d{0,4})?$/, "must be a host")
  .refine((host) => Number(/:(\d+)$/.exec(host)?.[1] ?? 1) <= 65_535, "must have a port up to 65535");

/** A string is public; `{ secret, hosts }` names a secret that the gateway puts in on the way to those hosts. */
export const VariableValue = z.union([
  z.string(),
  z.strictObject({ secret: SecretName, hosts: z.array(HostPattern).min(1) }),
]);
export const Variables = z.record(z.string(), VariableValue);

/** A package of the npm registry. Nothing that could be a flag, a path, an address or another package manager's business. */
const NpmDependency = z
  .string()
  .max(300)
  .regex(
    /^(@[A-Za-z0-9~][\w.~-]*\/)?[A-Za-z0-9~][\w.~-]*(@[\w.^~<>=|*+ -]+)?$/,
    "must be a package of the npm registry, as name or name@version",
  );

/** A package of the Python index, with extras, versions and markers. */
const PipDependency = z
  .string()
  .max(300)
  .regex(
    /^[A-Za-z0-9][\w.-]*(\[[\w., -]*\])? ?([<>=!~][\w.*+!<>=~, ]*)?(; ?[\w.]+ ?[<>=!~][\w.<>=!~()"' ]+)?$/,
    "must be a package of the Python index, as name, name==version or name[extra]>=version",
  );

/** `SKILL.md` is written from `skillMd`; without front matter it gets one of name and description. */
export const Skill = z.strictObject({
  name: SkillName,
  /** By it the model decides when to use the skill. */
  description: z.string().trim().min(1, "is missing: by it the model decides when to use the skill").max(5000),
  skillMd: z.string(),
  /** Paths are relative to the skill's folder. */
  supportingFiles: z.array(WorkspaceFileInput).optional(),
  npmDependencies: z.array(NpmDependency).max(200).optional(),
  pipDependencies: z.array(PipDependency).max(200).optional(),
});

export const SubagentProfile = z.strictObject({
  name: z.string().min(1),
  description: z.string(),
  prompt: z.string(),
  model: z.string().optional(),
  /** Absent: those of the agent that calls it. */
  tools: z.array(z.string()).optional(),
});

export const BundledMcp = z.strictObject({
  /** Also the name of its folder inside. */
  name: McpName,
  description: z.string(),
  localProjectPath: z.string(),
  startCommand: z.string(),
  installCommand: z.string(),
});

export const ExternalMcp = z.union([
  z.strictObject({
    type: z.literal("stdio").optional(),
    name: McpName,
    command: z.string().min(1),
    args: z.array(z.string()).optional(),
    env: Variables.optional(),
  }),
  z.strictObject({
    type: z.enum(["http", "sse"]),
    name: McpName,
    url: z.url({ protocol: /^https?$/, error: "must be an http or https address" }),
    headers: Variables.optional(),
  }),
]);

const profileFields = z.strictObject({
  id: z.string().min(1).max(200),
  name: z.string().min(1),
  description: z.string().optional(),
  /** A string stands in place of the harness's own; `append` goes behind it. */
  systemPrompt: z.union([z.string(), z.strictObject({ append: z.string() })]).optional(),
  /** The memory file: CLAUDE.md, AGENTS.md, GEMINI.md, whichever the harness reads. */
  agentMDFile: z.string().optional(),
  /**
   * Names of the tools that the agent may use without asking; absent: the harness's own set. In the harness's own
   * syntax: `Bash(git *)` allows only what fits.
   */
  tools: z.array(z.string()).optional(),
  /** Tools that are taken away, or with a pattern such as `Bash(rm *)` the calls that are refused. It wins over `tools`. */
  disallowedTools: z.array(z.string().min(1)).optional(),
  /** Absent: every call of the agent's tools is allowed; with a pattern in `tools`, `dontAsk`. */
  permissionMode: PermissionMode.optional(),
  /**
   * Rules in the harness's own syntax, `Tool` or `Tool(pattern)`, that go before the mode: `deny` before `ask` before
   * `allow`. A tool that `tools` leaves out is not offered, whatever stands here.
   */
  permissions: PermissionRules.optional(),
  /** How long asks wait, and for whom. */
  asks: AskRules.optional(),
  model: z.string().optional(),
  effort: Effort.optional(),
  limits: TurnLimits.optional(),
  skills: namedList(Skill, "skill").superRefine(fitsTheWire).optional(),
  subagents: namedList(SubagentProfile, "subagent").optional(),
  commands: namedList(z.strictObject({ name: CommandName, prompt: z.string() }), "command").optional(),
  bundledMCPs: namedList(BundledMcp, "MCP server").optional(),
  externalMCPs: namedList(ExternalMcp, "MCP server").optional(),
  /** Tools of the application, by name; absent: all that it has. */
  hostTools: z.array(HostToolName).max(200).optional(),
  npmDependencies: z.array(NpmDependency).max(200).optional(),
  pipDependencies: z.array(PipDependency).max(200).optional(),
  environmentVariables: Variables.optional(),
  defaultWorkspaceFiles: z.array(WorkspaceFileInput).optional(),
});

/** What an agent is. The same document for every architecture; the runner lays it out for the harness. */
export const AgentProfile = profileFields.superRefine(distinctMcpServers);
export type AgentProfile = z.infer<typeof AgentProfile>;

/** What stands inside a sandbox in place of a secret's value. */
export function secretPlaceholder(name: string): string {
  return `gateway-secret.${name}.value`;
}

/** Names of the secrets whose placeholders a text has. */
export function secretsIn(text: string): string[] {
  return [...text.matchAll(/gateway-secret\.([A-Za-z0-9_-]{1,100})\.value/g)].map(([, name = ""]) => name);
}

export const AgentProfileListData = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().optional(),
});
export type AgentProfileListData = z.infer<typeof AgentProfileListData>;

/** The profile that exists from the start: the sandbox is the fence, so nothing is asked. */
export const DEFAULT_PROFILE: AgentProfile = {
  id: "default",
  name: "Default Agent",
  description: "Reads, writes, edits and runs commands in its own workspace.",
  tools: ["Read", "Write", "Edit", "Bash"],
};
