/** Sections of the form, with the fields of a profile in them; what a newer server may add comes last. */
export const SECTIONS: readonly (readonly [title: string, fields: readonly string[]])[] = [
  ["What it is", ["id", "name", "description"]],
  ["Instructions", ["systemPrompt", "agentMDFile"]],
  ["Model", ["model", "effort", "limits"]],
  ["Tools and permissions", ["tools", "disallowedTools", "permissionMode", "permissions", "asks", "hostTools"]],
  ["Skills, subagents, commands", ["skills", "subagents", "commands"]],
  ["MCP servers", ["bundledMCPs", "externalMCPs"]],
  ["Environment", ["environmentVariables", "npmDependencies", "pipDependencies", "defaultWorkspaceFiles"]],
];

/** What fields of a profile are for, in few words; docs/profiles.md has all of them. */
export const HINTS: Readonly<Record<string, string>> = {
  id: "How sessions name it. It stays what it is.",
  systemPrompt: "A text stands in place of the harness’s own; append goes behind it.",
  agentMDFile: "The memory file, which the agent reads at the start of each conversation.",
  model: "Empty: the harness’s own. A session may name another.",
  tools: "One a line. Empty: the harness’s own set. Bash(git *) names calls of a tool.",
  disallowedTools: "One a line. What is taken away, or refused; it wins over tools.",
  permissionMode: "What happens to calls that no rule decides.",
  permissions: "One rule a line; deny goes before ask, ask before allow.",
  asks: "How long a person’s answer is waited for, and whose.",
  limits: "Bounds of each turn; the first that is reached ends it.",
  hostTools: "Tools of the application, one a line. Empty: all that it has.",
  environmentVariables: "A text is public; a secret reaches only its hosts, and the agent never sees it.",
  npmDependencies: "One a line, as name or name@version.",
  pipDependencies: "One a line, as name or name==version.",
  defaultWorkspaceFiles: "Files that each new session begins with.",
};

/** Fields whose text has many lines. */
export const LONG_TEXTS: ReadonlySet<string> = new Set([
  "systemPrompt",
  "append",
  "agentMDFile",
  "prompt",
  "skillMd",
  "content",
]);
