import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";

/** Something that a message can begin with. */
export interface SlashCommand {
  readonly name: string;
  readonly about: string;
}

const OF_THE_HARNESS: readonly SlashCommand[] = [
  { name: "compact", about: "Sums the conversation up for the model; the log keeps it" },
  { name: "context", about: "Says what fills the model's window" },
];

/** What a profile's sessions can be told by name. A profile without commands takes every message as text. */
export function commandsOf({ commands = [], skills = [] }: AgentProfile): readonly SlashCommand[] {
  const own = [
    ...commands.map(({ name, prompt }) => ({ name, about: firstLine(prompt) })),
    ...skills.map(({ name, description }) => ({ name, about: firstLine(description) })),
  ];
  return [...own, ...OF_THE_HARNESS.filter(({ name }) => own.every((command) => command.name !== name))];
}

/** Those that may be meant by a text that begins with a slash; none once the name is written. */
export function matchingCommands(text: string, commands: readonly SlashCommand[]): readonly SlashCommand[] {
  const written = /^\/(\S*)$/.exec(text)?.[1]?.toLowerCase();
  if (written === undefined) return [];
  const rank = ({ name }: SlashCommand): number => (name.toLowerCase().startsWith(written) ? 0 : 1);
  return commands
    .filter(({ name }) => name.toLowerCase().includes(written))
    .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
    .slice(0, 8);
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0]?.slice(0, 120) ?? "";
}
