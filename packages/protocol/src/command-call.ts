import { RuntimeError } from "./errors.ts";
import type { AgentProfile } from "./profile.ts";

/** `/name` and what follows. A path such as `/etc/hosts` is none, and nothing that begins with a space. */
const CALL = /^\/([A-Za-z0-9][A-Za-z0-9_.:-]*)(?:\s+([\s\S]*))?$/;

/** Commands of the harness's own that the log can tell of: the conversation is summed up; what fills the model's window. */
export const HARNESS_COMMANDS: readonly string[] = ["compact", "context"];

type Part<K extends "commands" | "skills"> = NonNullable<AgentProfile[K]>[number];

/** What a message calls of a profile by `/name`, and what it says behind the name. */
export type CommandCall = { readonly given: string } & (
  | { readonly command: Part<"commands"> }
  | { readonly skill: Part<"skills"> }
  | { readonly harness: string }
);

/**
 * What a message calls; null: it is text. A skill is called by its name, or by `profile:NAME` as the model does; a
 * command of the same name goes before it, and both before the harness's own. Throws `unknown_command` where the profile has commands, and none of that name.
 */
export function commandCall(
  { commands = [], skills = [] }: Pick<AgentProfile, "commands" | "skills">,
  content: string,
): CommandCall | null {
  const [, name, given = ""] = CALL.exec(content) ?? [];
  if (name === undefined) return null;
  const command = commands.find((known) => known.name === name);
  if (command !== undefined) return { command, given: given.trim() };
  const skill = skills.find((known) => known.name === name || `profile:${known.name}` === name);
  if (skill !== undefined) return { skill, given: given.trim() };
  if (HARNESS_COMMANDS.includes(name)) return { harness: name, given: given.trim() };
  if (commands.length === 0) return null;
  const known = [...commands, ...skills].map((other) => `/${other.name}`).join(", ");
  throw new RuntimeError(
    "unknown_command",
    `There is no command /${name}. The profile has ${known}. A message that begins with a space is text.`,
    { field: "body.content" },
  );
}
