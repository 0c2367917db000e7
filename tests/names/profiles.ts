import { fieldsOf, tested, testsIn, valuesOf, type Row } from "./row.ts";

const words = testsIn("tests/profiles/words.test.ts");
const servers = testsIn("tests/profiles/servers.test.ts");
const bounds = testsIn("tests/profiles/bounds.test.ts");
const permissions = testsIn("tests/profiles/permissions.test.ts");

const bundled = servers("bundledMCPs: installed, started in its own folder, offered and called; what it says is kept");
const modes =
  "permissionMode: what no rule allows is asked or refused; the session's mode stands before the profile's, at once";
const overHttp = servers("externalMCPs: one by http is reached where its host is allowed, and counts the call");
const overSse = servers("externalMCPs: one by sse has the secret in its headers, which the agent never sees");

/** What of an agent's profile reaches the harness, each with its effect. */
export const profileRows: readonly Row[] = [
  ...tested(
    "field",
    ["AgentProfile.systemPrompt.append"],
    words("systemPrompt: with append it goes behind the harness's own"),
  ),
  ...tested(
    "field",
    ["AgentProfile.agentMDFile"],
    words("agentMDFile: the agent has it as its memory, also in a subagent; it is no file of the workspace"),
  ),
  ...tested(
    "field",
    ["AgentProfile.skills", ...fieldsOf("Skill", "name description skillMd supportingFiles")],
    words("skills: offered by name and description, alone; one is loaded, and its script runs with its files"),
  ),
  ...tested(
    "field",
    fieldsOf("SubagentProfile", "description model"),
    words("subagents: offered by name and description; prompt, model and tools are its own"),
  ),
  ...tested(
    "field",
    fieldsOf("AgentProfile", "commands commands.name commands.prompt"),
    words("commands: a message /name args is the command's prompt; the log keeps what was written"),
  ),
  ...tested(
    "field",
    ["AgentProfile.disallowedTools"],
    bounds("disallowedTools: a tool is not offered; of another one, calls that fit the pattern are refused"),
  ),
  ...tested(
    "field",
    ["AgentProfile.effort", "SessionOptions.effort"],
    bounds("effort: it reaches the model; the session's stands before the profile's, at once"),
  ),
  ...tested(
    "field",
    ["AgentProfile.limits", "TurnLimits.maxSteps"],
    bounds("limits: a turn ends at maxSteps and says so; the next one has its own"),
  ),
  ...tested(
    "field",
    ["SessionOptions.limits"],
    bounds("limits: the session's stand before the profile's, each by itself, from the next turn on"),
  ),
  ...tested("field", ["TurnLimits.maxDurationMs"], bounds("limits: a turn ends at maxDurationMs, its tool with it")),
  ...tested(
    "field",
    ["TurnLimits.maxCostUSD"],
    bounds("limits: a turn ends beyond maxCostUSD; the next one has a budget of its own"),
  ),
  ...tested(
    "value",
    valuesOf("Effort", "low medium high xhigh max"),
    bounds("effort: it reaches the model; the session's stands before the profile's, at once"),
  ),
  ...tested(
    "error code",
    ["unknown_command"],
    words("commands: one that is not there is refused at once, with those that are; the session goes on"),
  ),
  ...tested("field", ["AgentProfile.bundledMCPs", ...fieldsOf("BundledMcp", "description startCommand")], bundled),
  ...tested("runner variable", ["AGENT_RUNTIME_ENVIRONMENT"], bundled),
  ...tested(
    "field",
    ["AgentProfile.externalMCPs", ...fieldsOf("ExternalMcp", "name command args env")],
    servers("externalMCPs: one of standard input and output has its arguments and variables, secrets as stand-ins"),
  ),
  ...tested("field", fieldsOf("ExternalMcp", "type url"), overHttp),
  ...tested("value", ["ExternalMcp.type=http"], overHttp),
  ...tested("field", ["ExternalMcp.headers"], overSse),
  ...tested("value", ["ExternalMcp.type=sse"], overSse),
  ...tested(
    "field",
    ["AgentProfile.permissionMode", "SessionOptions.permissionMode", "UpdateOptionsBody.permissionMode"],
    permissions(modes),
  ),
  ...tested("value", valuesOf("PermissionMode", "bypassPermissions dontAsk default"), permissions(modes)),
  ...tested(
    "value",
    valuesOf("PermissionMode", "plan acceptEdits"),
    permissions(
      "permissionMode: in plan work is asked for until the plan is approved, acceptEdits lets files be written in the workspace",
    ),
  ),
];
