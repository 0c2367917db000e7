import { commandCall, type AgentProfile } from "@hhopkins/agent-runtime-protocol";

const WORD = /"([^"]*)"|'([^']*)'|(\S+)/g;
const PLACE = /\$(?:ARGUMENTS\b|(\d))/g;
/** In a skill `$1` may well stand in a line of code. */
const ALL = /\$ARGUMENTS\b/g;

/** What can be called by `/name`, and where skills lie. */
export interface Callable {
  readonly profile: Pick<AgentProfile, "commands" | "skills">;
  readonly skillFolder: (name: string) => string;
}

/**
 * What a message says to the agent: `/name arguments` is the command's prompt, with `$ARGUMENTS` for all of them and
 * `$1`…`$9` for single words (quotes hold words together). Of a prompt without a place for them they stand at its end.
 * A skill's text has its folder in front of it. Without commands every other message is text. Throws `unknown_command`.
 */
export function commandPrompt({ profile, skillFolder }: Callable, content: string): string {
  const call = commandCall(profile, content);
  if (call === null || "harness" in call) return content;
  if ("command" in call) return withArguments(call.command.prompt, call.given);
  const folder = skillFolder(call.skill.name);
  const text = call.skill.skillMd.replace(FRONT_MATTER, "").replaceAll("${CLAUDE_SKILL_DIR}", () => folder);
  return withArguments(`The skill ${call.skill.name}, whose files are in ${folder}:\n\n${text}`, call.given, ALL);
}

/** It calls a command of the harness's own. Throws as `commandPrompt`. */
export function callsHarness(profile: Callable["profile"], content: string): boolean {
  const call = commandCall(profile, content);
  return call !== null && "harness" in call;
}

const FRONT_MATTER = /^---[ \t]*\r?\n([\s\S]*?\n)?---[ \t]*(?:\r?\n|$)/;

/** In one pass: what an argument says is not looked at again. */
function withArguments(prompt: string, given: string, place = PLACE): string {
  const words = [...given.matchAll(WORD)].map(([, double, single, bare]) => double ?? single ?? bare ?? "");
  let placed = false;
  const filled = prompt.replaceAll(place, (_place, digit: unknown) => {
    placed = true;
    // Without a group there, it is the place's offset.
    return typeof digit === "string" ? (words[Number(digit) - 1] ?? "") : given;
  });
  return placed || given === "" ? filled : `${filled}\n\nARGUMENTS: ${given}`;
}
