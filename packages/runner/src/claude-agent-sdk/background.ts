import type { HookCallbackMatcher, Options, Query } from "@anthropic-ai/claude-agent-sdk";
import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { asObject } from "./content.ts";
import type { NativeMessage } from "./native.ts";

/** Its own name, and the one that the model knows it by. */
const SUBAGENT_TOOLS = ["Agent", "Task"];

/** Tools that have the agent go on by itself when its turn is over, and nobody has asked it anything. */
export const WAKING_TOOLS = ["CronCreate", "CronDelete", "CronList", "Monitor", "ScheduleWakeup"];

/** The profile's agent can call subagents, and so have them work in the background. */
export function callsSubagents({ tools, disallowedTools = [], subagents = [] }: AgentProfile): boolean {
  if (disallowedTools.some((rule) => SUBAGENT_TOOLS.includes(rule))) return false;
  return tools === undefined || subagents.length > 0 || tools.some((rule) => /^(Agent|Task)(\(|$)/.test(rule));
}

const NO_SHELLS =
  "Commands do not run in the background here: they end with the turn. Run it in the foreground, or start it with nohup, & and a log file, and it goes on.";

/**
 * A subagent works in the background only where its caller says so; the harness would take silence for a yes. And what
 * wakes the agent by itself when its turn is over has no place in a conversation of turns: that is a command's end.
 */
const inBackground: HookCallbackMatcher = {
  matcher: [...SUBAGENT_TOOLS, "Bash"].join("|"),
  hooks: [
    async (input) => {
      if (input.hook_event_name !== "PreToolUse") return {};
      const { hook_event_name: hookEventName, tool_name: tool } = input;
      const given = asObject(input.tool_input);
      if (SUBAGENT_TOOLS.includes(tool) && given["run_in_background"] === undefined)
        return { hookSpecificOutput: { hookEventName, updatedInput: { ...given, run_in_background: false } } };
      if (tool !== "Bash" || given["run_in_background"] !== true) return {};
      const refusal = { permissionDecision: "deny", permissionDecisionReason: NO_SHELLS } as const;
      return { hookSpecificOutput: { hookEventName, ...refusal } };
    },
  ],
};

/** Hooks for what may work in the background. */
export function backgroundHooks(profile: AgentProfile): NonNullable<NonNullable<Options["hooks"]>["PreToolUse"]> {
  return callsSubagents(profile) ? [inBackground] : [];
}

/** What the harness has in the background. */
export interface Background {
  follow(message: NativeMessage): void;
  /** Subagents are at work beside the main conversation. */
  readonly hasSubagents: boolean;
  /** Ends what outlives the turn but is no subagent: commands that took too long were moved there. */
  endRest(query: Query): Promise<void>;
}

export function createBackground(): Background {
  let tasks: NonNullable<NativeMessage["tasks"]> = [];
  const isSubagent = ({ task_type: type }: { task_type?: string }): boolean => type === "local_agent";
  return {
    follow(message) {
      if (message.subtype === "background_tasks_changed") tasks = message.tasks ?? [];
    },
    get hasSubagents() {
      return tasks.some(isSubagent);
    },
    async endRest(query) {
      const rest = tasks.flatMap((task) => (isSubagent(task) ? [] : (task.task_id ?? [])));
      await Promise.all(rest.map((id) => query.stopTask(id)));
    },
  };
}
