import { fieldsOf, later, type Row } from "./row.ts";

const hook = (name: string, results: string): Row[] => [
  ...later("hook", [name], "react"),
  ...later("hook result", fieldsOf(name, results), "react"),
];

export const reactRows: readonly Row[] = [
  ...later("provider property", fieldsOf("AgentServiceProvider", "apiUrl wsUrl apiKey getToken debug"), "react"),
  ...hook(
    "useAgentSession",
    "session runtime isLoading error createSession loadSession destroySession syncSession updateSessionOptions",
  ),
  ...hook("useMessages", "blocks streamingBlockIds isStreaming metadata error sendMessage getBlock getBlocksByType"),
  ...hook("useSessionList", "sessions isLoading error refresh"),
  ...hook("useWorkspaceFiles", "files getFile"),
  ...hook("useSubagents", "subagents getSubagent"),
  ...hook("useEvents", "events clearEvents"),
];
