import type { HarnessMessage } from "../architecture.ts";
import { callsHarness, commandPrompt, type Callable } from "../profile-commands.ts";

/** Messages as the agent gets them: what calls a command or a skill of the profile is its prompt. */
export interface Spoken {
  /** Those of a turn. Throws `unknown_command`. */
  ofTurn(messages: readonly HarnessMessage[]): HarnessMessage[];
  /** One that comes into a turn that runs, where an error would end what others have asked for: it is text then. */
  steered(message: HarnessMessage): HarnessMessage;
}

export function createSpoken(callable: Callable): Spoken {
  const one = (message: HarnessMessage): HarnessMessage => ({
    ...message,
    content: commandPrompt(callable, message.content),
  });
  return {
    ofTurn(messages) {
      const [first] = messages;
      // By itself in its turn, a message can call a command of the harness's own; among others it is text.
      const isCommand = messages.length === 1 && first !== undefined && callsHarness(callable.profile, first.content);
      return messages.map((message) => ({ ...one(message), isCommand }));
    },
    steered(message) {
      try {
        return one(message);
      } catch {
        return message;
      }
    },
  };
}
