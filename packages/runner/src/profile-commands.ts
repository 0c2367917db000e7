import { RuntimeError, type AgentProfile } from "@hhopkins/agent-runtime-protocol";

type Commands = NonNullable<AgentProfile["commands"]>;

/** `/name` and what follows. A path such as `/etc/hosts` is none, and nothing that begins with a space. */
const CALL = /^\/([A-Za-z0-9][A-Za-z0-9_.:-]*)(?:\s+([\s\S]*))?$/;
const WORD = /"([^"]*)"|'([^']*)'|(\S+)/g;
const PLACE = /\$(?:ARGUMENTS\b|(\d))/g;

/**
 * What a message says to the agent: `/name arguments` is the command's prompt, with `$ARGUMENTS` for all of them and
 * `$1`…`$9` for single words (quotes hold words together). Of a prompt without a place for them they stand at its end.
 * Without commands every message is text. Throws `unknown_command`.
 */
export function commandPrompt(commands: Commands | undefined, content: string): string {
  const [, name, given = ""] = CALL.exec(content) ?? [];
  if (name === undefined || commands === undefined || commands.length === 0) return content;
  const command = commands.find((known) => known.name === name);
  if (command !== undefined) return withArguments(command.prompt, given.trim());
  const known = commands.map((other) => `/${other.name}`).join(", ");
  throw new RuntimeError(
    "unknown_command",
    `There is no command /${name}. The profile has ${known}. A message that begins with a space is text.`,
  );
}

/** In one pass: what an argument says is not looked at again. */
function withArguments(prompt: string, given: string): string {
  const words = [...given.matchAll(WORD)].map(([, double, single, bare]) => double ?? single ?? bare ?? "");
  let placed = false;
  const filled = prompt.replaceAll(PLACE, (_place, digit: string | undefined) => {
    placed = true;
    return digit === undefined ? given : (words[Number(digit) - 1] ?? "");
  });
  return placed || given === "" ? filled : `${filled}\n\nARGUMENTS: ${given}`;
}
