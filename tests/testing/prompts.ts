import { script, type ScriptStep } from "@hhopkins/agent-runtime-testkit";

/** A message with the steps that the scripted model is to play. */
export function prompt(text: string, ...steps: ScriptStep[]): string {
  return `${text} ${script(steps)}`;
}

/** A call of the tool Bash. */
export function bash(command: string): { name: string; input: Record<string, unknown> } {
  return { name: "Bash", input: { command, description: "test" } };
}

/** A step that talks for a long time. */
export const TALK: ScriptStep = { text: "word ".repeat(2000), chunk: 5, delayMs: 20 };
