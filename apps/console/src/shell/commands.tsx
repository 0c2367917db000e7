import { createContext, useContext, useLayoutEffect, useRef } from "react";
import type { ReactNode, RefObject } from "react";

/** Something that a person can do now, by the palette or by its keys. */
export interface Command {
  /** One of a kind; of two with one id the later stands. */
  readonly id: string;
  readonly label: string;
  /** Under which heading the palette has it, such as "Session". */
  readonly group: string;
  /** `mod+k` (Ctrl, or ⌘ on a Mac), `?`, `g p` (one after the other). Plain keys do nothing while one types. */
  readonly keys?: string;
  readonly icon?: ReactNode;
  /** More words by which it is found. */
  readonly words?: string;
  readonly run: () => void;
}

type Commands = readonly Command[];

/** What the parts of the page that are there offer. */
export class CommandRegistry {
  readonly #parts = new Set<RefObject<Commands>>();

  add(part: RefObject<Commands>): () => void {
    this.#parts.add(part);
    return () => this.#parts.delete(part);
  }

  /** As of now. */
  all(): Commands {
    const byId = new Map<string, Command>();
    for (const { current } of this.#parts) for (const command of current) byId.set(command.id, command);
    return [...byId.values()];
  }
}

const RegistryContext = createContext<CommandRegistry | undefined>(undefined);

export function CommandsProvider(props: { readonly registry: CommandRegistry; readonly children: ReactNode }) {
  return <RegistryContext.Provider value={props.registry}>{props.children}</RegistryContext.Provider>;
}

/** Offers these while the component is there. A new list at each render is fine. */
export function useCommands(commands: Commands): void {
  const registry = useContext(RegistryContext);
  const latest = useRef(commands);
  // Before it is painted: who sees it can press its keys.
  useLayoutEffect(() => {
    latest.current = commands;
  });
  useLayoutEffect(() => registry?.add(latest), [registry]);
}
