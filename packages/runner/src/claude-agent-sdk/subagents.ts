import { MAIN_CONVERSATION, type SubagentBlock, type SubagentStatus } from "@hhopkins/agent-runtime-protocol";
import { stringOf } from "./content.ts";
import type { NativeMessage } from "./native.ts";
import { toId, type Outlet } from "./outlet.ts";
import type { Tools } from "./tools.ts";

interface Subagent {
  readonly parent: string;
  /** What the harness calls it. */
  readonly task: string | undefined;
  /** Its call returns at once; a notification tells of its end. */
  readonly background: boolean;
  block: SubagentBlock;
}

/** Subagents: each has a block where it was called, and a conversation of its own under the id of the tool call. */
export interface Subagents {
  /** `system/task_started`. */
  started(message: NativeMessage): void;
  /** Makes sure that the conversation `subagentId` exists before something is said in it. False: it has ended. */
  ensure(subagentId: string, message: NativeMessage): boolean;
  /** `system/task_notification`. */
  notified(message: NativeMessage, lastText: (subagentId: string) => string | undefined): void;
  /** The call that started it has its result. */
  returned(toolUseId: string, status: SubagentStatus, output: string | undefined): void;
  closeAll(status: SubagentStatus): void;
  /** What the harness calls a subagent that runs. */
  taskOf(subagentId: string): string | undefined;
  /** The subagent that the harness calls so, also one that has ended. */
  idOf(task: string): string | undefined;
}

/** @param end closes what is open in the conversation of a subagent that has ended. */
export function createSubagents(outlet: Outlet, tools: Tools, end: (subagentId: string) => void): Subagents {
  const running = new Map<string, Subagent>();
  const known = new Set<string>();
  const byTask = new Map<string, string>();

  function discover(subagentId: string, message: NativeMessage): void {
    if (known.has(subagentId)) return;
    known.add(subagentId);
    const call = tools.find(subagentId);
    const parentTask = stringOf(message.parent_task_id);
    begin(subagentId, message, {
      callId: subagentId,
      parent:
        call?.conversationId ?? (parentTask === undefined ? undefined : byTask.get(parentTask)) ?? MAIN_CONVERSATION,
      input: stringOf(message.prompt) ?? stringOf(call?.input["prompt"]),
      name: stringOf(message.subagent_type) ?? stringOf(call?.input["subagent_type"]) ?? "subagent",
    });
  }

  function begin(
    subagentId: string,
    message: NativeMessage,
    { callId, parent, input, name }: { callId: string; parent: string; input: string | undefined; name: string },
  ): void {
    const task = stringOf(message.task_id) ?? stringOf(message.agent_id);
    const block: SubagentBlock = {
      type: "subagent",
      id: outlet.claim(`subagent:${callId}`),
      timestamp: outlet.timestamp(),
      subagentId,
      name,
      status: "running",
      ...(input === undefined ? {} : { input }),
    };
    const background = message.is_backgrounded === true;
    running.set(subagentId, { parent, task, background, block });
    if (task !== undefined) byTask.set(task, subagentId);
    outlet.put({
      kind: "subagent:discovered",
      subagentId,
      name,
      parentId: parent,
      ...(background ? { background } : {}),
    });
    outlet.start(parent, block);
    if (input === undefined) return;
    const prompt = {
      type: "user_message",
      id: outlet.claim(`prompt:${callId}`),
      timestamp: block.timestamp,
      content: input,
    } as const;
    outlet.whole(subagentId, prompt);
  }

  /** One that has ended was sent a message: it goes on in its conversation. */
  function goOn(subagentId: string, callId: string, message: NativeMessage): void {
    if (running.has(subagentId)) return;
    begin(subagentId, message, {
      callId,
      parent: tools.find(callId)?.conversationId ?? MAIN_CONVERSATION,
      input: stringOf(message.prompt),
      name: stringOf(message.subagent_type) ?? "subagent",
    });
  }

  function complete(subagentId: string, status: SubagentStatus, output: string | undefined): void {
    const subagent = running.get(subagentId);
    if (subagent === undefined) return;
    running.delete(subagentId);
    end(subagentId);
    const last = { status, ...(output === undefined ? {} : { output }) };
    outlet.complete(subagent.parent, { ...subagent.block, ...last });
    outlet.put({ kind: "subagent:completed", subagentId, ...last });
  }

  return {
    started(message) {
      const toolUseId = stringOf(message.tool_use_id);
      if (toolUseId === undefined || message.task_type !== "local_agent") return;
      const before = byTask.get(message.task_id ?? "");
      const callId = toId(toolUseId);
      if (before !== undefined && before !== callId) goOn(before, callId, message);
      // Of an earlier sandbox's subagent, its first words tell which one it is.
      else if (tools.find(callId)?.toolName !== "SendMessage") discover(callId, message);
    },
    ensure(subagentId, message) {
      discover(subagentId, message);
      return running.has(subagentId);
    },
    notified(message, lastText) {
      const subagentId = byTask.get(message.task_id ?? "") ?? toId(message.tool_use_id ?? "");
      const status = message.status === "completed" || message.status === "failed" ? message.status : "stopped";
      const said = status === "completed" ? lastText(subagentId) : undefined;
      // Of one that was stopped the harness sums up nothing: it repeats what it was called for.
      complete(subagentId, status, said ?? (status === "stopped" ? undefined : stringOf(message.summary)));
    },
    returned(toolUseId, status, output) {
      if (running.get(toolUseId)?.background === false) complete(toolUseId, status, output);
    },
    closeAll(status) {
      // The innermost first: a parent's end comes after its children's.
      for (const subagentId of [...running.keys()].toReversed()) complete(subagentId, status, undefined);
    },
    taskOf: (subagentId) => running.get(subagentId)?.task,
    idOf: (task) => byTask.get(task),
  };
}
