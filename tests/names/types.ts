import {
  blobs,
  closing,
  driver,
  eachBlock,
  examples,
  mainJob,
  nineMethods,
  options,
  recordedAnswers,
  recordedBlocks,
  recordedEvents,
  recordedState,
  restErrors,
  reducer,
  seed,
  steering,
  unverified,
} from "./files.ts";
import { fieldsOf, later, tested, valuesOf, type Row } from "./row.ts";

/** A block's schema with the fields that are its own; the common ones have tests over all types. */
function block(schema: string, type: string, { fields, title }: { fields: string; title: string }): Row[] {
  const test = recordedBlocks(title);
  return [
    ...tested("variant", [`ConversationBlock:${type}`], test),
    ...tested("field", fieldsOf(schema, `type id timestamp ${fields}`), test),
    ...tested("field", [`${schema}.truncated`], eachBlock("a long $type is cut, and says that it is truncated")),
    ...tested("field", [`${schema}.retracted`], eachBlock("a retracted $type leaves the state")),
  ];
}

const toolUse = recordedBlocks("block tool_use");
const subagents = recordedEvents("session:subagent:discovered and completed");
const files = recordedEvents("session:file:created, modified and deleted");
const busy = recordedState("while a turn runs: turn and queue");
const over = recordedState("when it is over");
const status = recordedEvents("session:status");
const turns = recordedEvents("session:turn:started and completed");
const profile = driver(
  "profile and options reach the model: prompt, tools, subagents, model; the environment is ours alone",
);

const blocks: Row[] = [
  ...block("UserMessageBlock", "user_message", { fields: "content", title: "block user_message" }),
  ...block("AssistantTextBlock", "assistant_text", { fields: "content", title: "block assistant_text and thinking" }),
  ...block("ThinkingBlock", "thinking", { fields: "content", title: "block assistant_text and thinking" }),
  ...block("ToolUseBlock", "tool_use", {
    fields: "toolName toolUseId input partialInput status",
    title: "block tool_use",
  }),
  ...block("ToolResultBlock", "tool_result", {
    fields: "toolUseId content isError durationMs",
    title: "block tool_result",
  }),
  ...block("SystemBlock", "system", { fields: "content subtype", title: "block system" }),
  ...block("SubagentBlock", "subagent", { fields: "subagentId name status input output", title: "block subagent" }),
  ...block("ErrorBlock", "error", { fields: "message code", title: "block error" }),
  ...tested(
    "field",
    fieldsOf("BlockUpdates", "content input status isError durationMs output message code truncated"),
    eachBlock("an update changes every field that it may name, and no other"),
  ),
  ...tested("value", valuesOf("ToolStatus", "pending running success error"), toolUse),
  ...tested("value", valuesOf("SubagentStatus", "running completed"), subagents),
  ...tested(
    "value",
    valuesOf("SubagentStatus", "stopped"),
    driver("an interrupt ends a text, a tool and a subagent; the session goes on"),
  ),
  ...tested(
    "value",
    valuesOf("SubagentStatus", "failed"),
    closing("a turn that its runner cannot end leaves nothing open, keeps what streamed, and says why"),
  ),
];

const session = "sessionId type agentProfileReference name createdAt lastActivity sessionOptions metadata";

const sessions: Row[] = [
  ...tested(
    "field",
    fieldsOf("PersistedSessionListData", session),
    nineMethods("nine methods: a record comes back as it was given"),
  ),
  ...tested(
    "field",
    fieldsOf("PersistedSessionData", session),
    nineMethods("nine methods: a record comes back as it was given"),
  ),
  ...tested(
    "field",
    ["PersistedSessionData.rawTranscript"],
    nineMethods("nine methods: the transcript is the last one that was saved"),
  ),
  ...tested(
    "field",
    ["PersistedSessionData.workspaceFiles"],
    nineMethods("nine methods: files keep their bytes, whatever they are"),
  ),
  ...tested(
    "field",
    fieldsOf("SessionListItem", `${session} runtime`),
    recordedAnswers("list of sessions and of profiles"),
  ),
  ...tested("field", ["SessionOptions.model"], recordedEvents("session:options:update, and the agent uses them")),
  ...tested("field", fieldsOf("SessionRuntimeState", "isLoaded sandbox"), status),
  ...tested("field", fieldsOf("SandboxState", "sandboxId status statusMessage restartCount lastHealthCheck"), status),
  ...tested("value", valuesOf("SandboxStatus", "starting ready terminated"), status),
  ...tested(
    "value",
    valuesOf("SandboxStatus", "pending"),
    options("maxSandboxes: a session beyond it is pending, with its place, until another's sandbox ends"),
  ),
  ...tested(
    "value",
    valuesOf("SandboxStatus", "unhealthy"),
    unverified(
      "a save that cannot be verified ends nothing: the sandbox stays, unhealthy, and the next unload ends it",
    ),
  ),
  ...tested(
    "value",
    valuesOf("SandboxStatus", "error"),
    options("sandbox: the given provider is asked, with the deployment's name; its refusal ends the turn"),
  ),
  ...tested(
    "value",
    valuesOf("Architecture", "claude-agent-sdk"),
    mainJob(
      "a real agent works in a real sandbox; a client that folds frames has the server's state; a restart keeps it all",
    ),
  ),
  ...later("value", valuesOf("Architecture", "opencode gemini-cli"), "later"),
  ...tested(
    "field",
    fieldsOf("Usage", "inputTokens outputTokens cacheReadTokens cacheWriteTokens thinkingTokens totalTokens"),
    recordedEvents("session:metadata:update"),
  ),
  ...tested("field", fieldsOf("SessionMetadata", "usage costUSD model"), recordedEvents("session:metadata:update")),
  ...tested("field", fieldsOf("QueuedMessage", "messageId content queuedAt"), busy),
  ...tested(
    "field",
    ["QueuedMessage.mode"],
    steering("the running turn takes it after its tool, its block stands there, and the turn's end names both"),
  ),
  ...tested("field", fieldsOf("TurnState", "turnId messageIds startedAt"), busy),
  ...tested("field", fieldsOf("TurnError", "code message"), turns),
  ...tested("value", valuesOf("TurnStatus", "completed interrupted failed"), turns),
];

const state: Row[] = [
  ...tested("field", fieldsOf("SessionState", "queue turn"), busy),
  ...tested("field", fieldsOf("SessionState", "blocks subagents workspaceFiles sessionMetadata logId lastSeq"), over),
  ...tested(
    "field",
    ["SessionState.streamingBlockIds"],
    recordedState("streamingBlockIds names the blocks that are open"),
  ),
  ...tested(
    "field",
    ["SessionState.blocksBefore"],
    reducer("keeps the newest 500 blocks and says where older ones are"),
  ),
  ...tested("field", fieldsOf("SubagentState", "id name status output blocks"), over),
  ...tested("field", ["SubagentState.blocksBefore"], eachBlock("a subagent's conversation has a window of its own")),
];

const fileFields = "path type mode target size sha256 createdAt modifiedAt";
const listed = recordedAnswers("files: list, bytes, links never followed");

const workspace: Row[] = [
  ...tested("field", fieldsOf("WorkspaceFile", `${fileFields} content encoding truncated`), files),
  ...tested("value", ["WorkspaceFile.encoding=utf8"], files),
  ...tested(
    "value",
    ["WorkspaceFile.encoding=base64"],
    seed("records, files with their bytes, and deletions reach the adapter's methods"),
  ),
  ...tested("field", fieldsOf("FileEntry", "path type mode target size sha256 modifiedAt"), listed),
  ...tested(
    "field",
    ["FileEntry.createdAt"],
    restErrors("files that a session was created with are listed, with their times"),
  ),
  ...tested("value", valuesOf("FileType", "file symlink directory"), listed),
  ...tested("field", fieldsOf("WorkspaceFileInput", "path content encoding mode"), files),
  ...tested("value", ["WorkspaceFileInput.encoding=base64"], files),
  ...tested(
    "value",
    ["WorkspaceFileInput.encoding=utf8"],
    restErrors("files that a session was created with are listed, with their times"),
  ),
  ...tested(
    "behaviour",
    ["the bytes of one content are stored once"],
    blobs("blobs: a piece at the same offset again is ignored, and pieces may overlap"),
  ),
];

const profiles: Row[] = [
  ...tested(
    "field",
    fieldsOf("AgentProfile", "id name description"),
    recordedAnswers("list of sessions and of profiles"),
  ),
  ...tested(
    "field",
    fieldsOf("AgentProfileListData", "id name description"),
    recordedAnswers("list of sessions and of profiles"),
  ),
  ...tested("field", fieldsOf("AgentProfile", "systemPrompt tools model subagents"), profile),
  ...tested("field", fieldsOf("SubagentProfile", "name prompt tools"), profile),
  ...tested(
    "field",
    ["AgentProfile.defaultWorkspaceFiles"],
    examples("minimal-server: adapters and a profile of one's own; everything is there after a restart"),
  ),
];

export const typeRows: readonly Row[] = [...blocks, ...sessions, ...state, ...workspace, ...profiles];
