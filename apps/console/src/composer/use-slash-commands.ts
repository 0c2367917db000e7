import { useAgentService, useSessionSelector, type SessionSnapshot } from "@hhopkins/agent-runtime-react";
import { useEffect, useState } from "react";
import type { KeyboardEvent } from "react";
import { commandsOf, matchingCommands, type SlashCommand } from "./slash-commands.ts";

const NONE: readonly SlashCommand[] = [];
const profileOf = ({ state }: SessionSnapshot): string | undefined => state?.agentProfileReference;

export interface SlashCommands {
  /** Those that may be meant; none: the list is closed. */
  readonly offered: readonly SlashCommand[];
  readonly active: number;
  readonly choose: (command: SlashCommand) => void;
  /** Whether a key was for the list. */
  readonly onKeyDown: (event: KeyboardEvent) => boolean;
}

/** The commands of a session's profile, while a message begins with a slash. */
export function useSlashCommands(sessionId: string, text: string, setText: (text: string) => void): SlashCommands {
  const commands = useCommandsOf(sessionId, text.startsWith("/"));
  const [closedFor, setClosedFor] = useState<string>();
  const [chosen, setChosen] = useState({ for: "", place: 0 });
  const offered = closedFor === text ? NONE : matchingCommands(text, commands);
  const active = chosen.for === text ? Math.min(chosen.place, offered.length - 1) : 0;
  const choose = ({ name }: SlashCommand): void => setText(`/${name} `);
  const move = (by: number): void => setChosen({ for: text, place: (active + by + offered.length) % offered.length });
  return {
    offered,
    active,
    choose,
    onKeyDown({ key, shiftKey, nativeEvent }) {
      const command = offered[active];
      if (command === undefined || nativeEvent.isComposing) return false;
      if (key === "ArrowDown") move(1);
      else if (key === "ArrowUp") move(-1);
      else if (key === "Escape") setClosedFor(text);
      // A name that is written in full is sent as it is.
      else if (key === "Tab" || (key === "Enter" && !shiftKey && text !== `/${command.name}`)) choose(command);
      else return false;
      return true;
    },
  };
}

function useCommandsOf(sessionId: string, isWanted: boolean): readonly SlashCommand[] {
  const { client } = useAgentService();
  const profileId = useSessionSelector(sessionId, profileOf);
  const [known, setKnown] = useState<{ readonly of: string; readonly commands: readonly SlashCommand[] }>();
  useEffect(() => {
    if (!isWanted || profileId === undefined || known?.of === profileId) return;
    let isLeft = false;
    client.getProfile(profileId).then(
      ({ profile }) => isLeft || setKnown({ of: profileId, commands: commandsOf(profile) }),
      // A profile that is gone, or not to be read, offers nothing: the server says what it does not know.
      () => isLeft || setKnown({ of: profileId, commands: NONE }),
    );
    return () => {
      isLeft = true;
    };
  }, [client, profileId, isWanted, known]);
  return known?.commands ?? NONE;
}
