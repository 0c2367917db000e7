import { fieldsOf, tested, testsIn, valuesOf, type Row } from "./row.ts";

const calls = testsIn("tests/host-tools/calls.test.ts");
const restarts = testsIn("tests/host-tools/restarts.test.ts");
const runs = testsIn("packages/runtime/src/host-tools/run-host-tool.test.ts");
const toolbox = testsIn("packages/runtime/src/host-tools/host-toolbox.test.ts");
const session = testsIn("packages/runtime/src/session/host-tool-calls.test.ts");

const offered = calls(
  "hostTools: a tool of the application is offered with its schema, runs here with the session's identity, and its answer is the agent's",
);
const wrong = calls(
  "hostTools: what a tool does wrong, and what is wrong with a call, is told to the agent and stands in the block; the session goes on",
);
const progress = calls(
  "hostTools: progress shows on the call's block while it runs, bounded, and the last of it stays",
);
const interrupted = calls(
  "hostTools: an interrupt cancels the call: its signal fires, nothing waits for it, and the next turn goes on",
);
const inSubagent = calls(
  "hostTools: a subagent's call is its own: the tool knows the conversation, and the block stands there",
);
const killed = restarts(
  "a server that is killed in the middle of a call leaves it to the next one: at most once, unless the tool is idempotent; a result that was kept arrives, once",
);
const kept = session("a call runs once it is in the log, and its result is in the log before its runner has it");
const told = toolbox(
  "an agent is told of name, description and schema; a profile may name fewer, and those that are not there are found",
);
const late = runs("one that does not answer in time is told that nobody waits, and what it says then is not heard");

/** Tools of the application. */
export const hostToolRows: readonly Row[] = [
  ...tested("option", ["createAgentRuntime.tools", ...fieldsOf("tool", "description input run")], offered),
  ...tested("option", ["tool.idempotent"], killed),
  ...tested("option", ["tool.timeoutMs"], late),
  ...tested(
    "field",
    fieldsOf("HostToolContext", "sessionId tenant agentProfileReference metadata toolUseId callId"),
    offered,
  ),
  ...tested("field", ["HostToolContext.conversationId"], inSubagent),
  ...tested("field", ["HostToolContext.signal"], interrupted),
  ...tested("field", ["HostToolContext.progress", "ToolUseBlock.progress", "BlockUpdates.progress"], progress),
  ...tested("field", ["AgentProfile.hostTools"], offered),
  ...tested("field", fieldsOf("HostToolDefinition", "name description inputSchema"), told),
  ...tested("field", fieldsOf("CalledHostTool", "callId toolName conversationId toolUseId input"), offered),
  ...tested("field", fieldsOf("HostToolResult", "status content"), kept),
  ...tested("field", fieldsOf("HostToolCall", "callId toolName conversationId toolUseId calledAt"), interrupted),
  ...tested("field", fieldsOf("HostToolCall", "calledSeq completedSeq"), kept),
  ...tested("field", ["SessionState.hostToolCalls"], interrupted),
  ...tested("value", valuesOf("HostToolStatus", "success error timeout"), wrong),
  ...tested("value", valuesOf("HostToolStatus", "cancelled"), interrupted),
  ...tested("value", valuesOf("HostToolStatus", "unknown"), killed),
  ...tested("event", ["session:host-tool:called", "session:host-tool:completed"], offered),
  ...tested("event field", fieldsOf("session:host-tool:called", "sessionId call"), offered),
  ...tested(
    "event field",
    fieldsOf("session:host-tool:completed", "sessionId callId status content durationMs"),
    offered,
  ),
  ...tested("variant", ["EntryBody:host-tool:called", "CommandBody:host-tool:result"], offered),
  ...tested("variant", ["EntryBody:host-tool:cancelled"], interrupted),
];
