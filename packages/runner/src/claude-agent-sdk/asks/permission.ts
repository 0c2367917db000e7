import { isAbsolute, relative } from "node:path";
import type { CanUseTool, PermissionResult } from "@anthropic-ai/claude-agent-sdk";
import type { AskAnswer, AskKind, OpenedAsk, PermissionMode } from "@hhopkins/agent-runtime-protocol";
import type { OpenCall } from "./calls.ts";

export type Input = Record<string, unknown>;
type AskOptions = Parameters<CanUseTool>[2];
type Rule = { readonly toolName: string; readonly ruleContent?: string | undefined };

/** What the harness wants to know before a tool's call. */
export interface ToolAsk {
  readonly toolName: string;
  readonly input: Input;
  readonly options: AskOptions;
  /** What is known of the call from the conversation. */
  readonly call: OpenCall | undefined;
}

const KINDS: Readonly<Record<string, AskKind>> = { AskUserQuestion: "question", ExitPlanMode: "plan" };
const MOST_RULE_CHARS = 1000;
/** What names a call in a line for people, the first that its input has. */
const NAMING = ["command", "file_path", "notebook_path", "path", "url", "query", "description", "prompt"];
const LINE_CHARS = 300;

export function kindOf(toolName: string): AskKind {
  return KINDS[toolName] ?? "permission";
}

/** The ask, without its id. */
export function openedAsk(ask: ToolAsk, { rule, afterPlan }: Offer): Omit<OpenedAsk, "askId"> {
  const { toolName, input, call } = ask;
  const about = {
    conversationId: call?.conversationId ?? "main",
    ...(call === undefined ? {} : { toolUseId: call.toolUseId }),
  };
  const kind = kindOf(toolName);
  if (kind === "question") {
    return { ...about, kind, prompt: line(questionsIn(input).join(" ")), details: { questions: input["questions"] } };
  }
  if (kind === "plan") {
    const plan = input["plan"] ?? call?.input["plan"] ?? "";
    const { permissionMode, isNew } = afterPlan();
    const details = { plan, ...(isNew ? { permissionMode } : {}) };
    return { ...about, kind, prompt: "Is this plan how to go on?", details };
  }
  const prompt = line(`May the agent use ${toolName}: ${named(input)}`);
  return { ...about, kind, prompt, ...(rule === undefined ? {} : { rule }), details: { toolName, input } };
}

function questionsIn(input: Input): string[] {
  const questions = Array.isArray(input["questions"]) ? (input["questions"] as { question?: unknown }[]) : [];
  return questions.map(({ question }) => (typeof question === "string" ? question : "")).filter((text) => text !== "");
}

function named(input: Input): string {
  const name = NAMING.map((key) => input[key]).find((value) => typeof value === "string" && value !== "");
  return typeof name === "string" ? name : JSON.stringify(input);
}

function line(text: string): string {
  const one = text.replaceAll(/\s+/g, " ").trim();
  return one.length <= LINE_CHARS ? one : `${one.slice(0, LINE_CHARS - 1)}…`;
}

export interface RuleContext {
  readonly workspace: string;
  /** The profile's own rules that ask. */
  readonly askRules: readonly string[];
}

/**
 * What would be allowed for the whole session: the rule that asks, what the harness proposes, this very command, or the
 * tool. Undefined where that cannot be said by one rule.
 */
export function ruleOf(ask: ToolAsk, { workspace, askRules }: RuleContext): string | undefined {
  const { toolName, input, options } = ask;
  if (kindOf(toolName) !== "permission") return undefined;
  const rule =
    askRules.find((asks) => asksFor(asks, ask)) ??
    written(proposedRule(options, workspace) ?? ownRule(toolName, input));
  return rule !== undefined && rule.length <= MOST_RULE_CHARS ? rule : undefined;
}

/** Whether that rule, read as narrowly as can be, is why it asks: the tool's name, or a plain command that begins so. */
function asksFor(rule: string, { toolName, input }: ToolAsk): boolean {
  if (rule === toolName) return true;
  const [, prefix] = /^Bash\(([^*]+?)(?::| )\*\)$/.exec(rule) ?? [];
  const command = input["command"];
  if (toolName !== "Bash" || prefix === undefined || typeof command !== "string") return false;
  return /^[\w ./:=@,+-]*$/.test(command) && (command === prefix || command.startsWith(`${prefix} `));
}

function proposedRule({ matchedAskRule, suggestions, blockedPath }: AskOptions, workspace: string): Rule | undefined {
  if (matchedAskRule !== undefined) return matchedAskRule;
  if (blockedPath !== undefined && !isInside(blockedPath, workspace)) return undefined;
  const rules = (suggestions ?? []).flatMap((update) =>
    update.type === "addRules" && update.behavior === "allow" ? update.rules : [],
  );
  return rules.length === 1 ? rules[0] : undefined;
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return !way.startsWith("..") && !isAbsolute(way);
}

function ownRule(toolName: string, input: Input): Rule | undefined {
  if (toolName !== "Bash") return { toolName };
  const command = input["command"];
  // What a rule reads as a pattern would allow more than this command.
  return typeof command === "string" && !/[*\\\n]/.test(command) ? { toolName, ruleContent: command } : undefined;
}

function written(rule: Rule | undefined): string | undefined {
  if (rule === undefined) return undefined;
  return rule.ruleContent === undefined ? rule.toolName : `${rule.toolName}(${rule.ruleContent})`;
}

/** A rule as the harness takes it while it runs. */
export function asRule(rule: string): { toolName: string; ruleContent?: string } {
  const [, toolName = rule, ruleContent] = /^([^(]+)\(([\s\S]*)\)$/.exec(rule) ?? [];
  return ruleContent === undefined ? { toolName } : { toolName, ruleContent };
}

/** The mode after a plan that was approved. */
export interface AfterPlan {
  readonly permissionMode: PermissionMode;
  /** The session's was `plan`; else the agent has planned by itself. */
  readonly isNew: boolean;
}

/** What can be allowed beside the call itself. */
export interface Offer {
  /** See `ruleOf`. */
  readonly rule: string | undefined;
  readonly afterPlan: () => AfterPlan;
}

/** The answer as the harness takes it. */
export function permissionResult(ask: ToolAsk, answer: AskAnswer, { rule, afterPlan }: Offer): PermissionResult {
  if (answer.decision === "deny") return { behavior: "deny", message: answer.reason ?? "The user denied this." };
  const { input } = ask;
  switch (kindOf(ask.toolName)) {
    case "question":
      return { behavior: "allow", updatedInput: { ...input, answers: answersOf(answer.answers) } };
    case "plan":
      return {
        behavior: "allow",
        updatedInput: input,
        updatedPermissions: [{ type: "setMode", mode: afterPlan().permissionMode, destination: "session" }],
      };
    default: {
      const updatedInput = answer.input ?? input;
      if (answer.scope !== "session" || rule === undefined) return { behavior: "allow", updatedInput };
      const rules = [asRule(rule)];
      return {
        behavior: "allow",
        updatedInput,
        updatedPermissions: [{ type: "addRules", rules, behavior: "allow", destination: "session" }],
      };
    }
  }
}

/** Of several options, one text. */
function answersOf(answers: Readonly<Record<string, string | string[]>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(answers).map(([question, chosen]) => [question, Array.isArray(chosen) ? chosen.join(", ") : chosen]),
  );
}
