import { clsx } from "clsx";
import type { SlashCommands } from "./use-slash-commands.ts";

/** What may be meant by a message that begins with a slash; its keys are the field's. */
export function CommandList({ id, commands }: { readonly id: string; readonly commands: SlashCommands }) {
  const { offered, active, choose } = commands;
  if (offered.length === 0) return null;
  return (
    <ul
      id={id}
      role="listbox"
      aria-label="Commands"
      className="absolute bottom-full left-0 z-30 mb-1 w-full max-w-lg overflow-hidden rounded-lg border bg-panel p-1 shadow-lg"
    >
      {offered.map((command, place) => (
        <li
          key={command.name}
          id={`${id}-${place}`}
          role="option"
          aria-selected={place === active}
          // The field keeps the focus.
          onMouseDown={(event) => {
            event.preventDefault();
            choose(command);
          }}
          className={clsx("flex items-baseline gap-3 rounded-md px-2 py-1", place === active && "bg-raised")}
        >
          <span className="shrink-0 font-mono text-sm">/{command.name}</span>
          <span className="truncate text-xs text-muted">{command.about}</span>
        </li>
      ))}
    </ul>
  );
}
