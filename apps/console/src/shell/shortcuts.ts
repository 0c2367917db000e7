import { useLayoutEffect } from "react";
import type { Command, CommandRegistry } from "./commands.tsx";

/** Milliseconds in which the second key of `g p` has to come. */
const SEQUENCE_MS = 1200;

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

/** What was pressed, as commands name it: `mod+k`, `?`, `g`; undefined for what no command can have. */
export function keyOf({ key, ctrlKey, metaKey, altKey }: Pressed): string | undefined {
  if (altKey || key.length !== 1) return undefined;
  const name = key.toLowerCase();
  return ctrlKey || metaKey ? `mod+${name}` : name;
}

/** The command that the keys pressed so far name, and whether they are the beginning of others. */
export function commandOf(
  keys: string,
  commands: readonly Command[],
): { readonly command: Command | undefined; readonly goesOn: boolean } {
  return {
    command: commands.find((command) => command.keys === keys),
    goesOn: commands.some((command) => command.keys?.startsWith(`${keys} `) === true),
  };
}

/** Runs commands by their keys, all over the page. */
export function useShortcuts(registry: CommandRegistry): void {
  useLayoutEffect(() => {
    let before: { readonly keys: string; readonly at: number } | undefined;
    const onKey = (event: KeyboardEvent): void => {
      const key = keyOf(event);
      if (key === undefined || event.defaultPrevented || event.isComposing) return;
      if (!key.startsWith("mod+") && (isTyping(event.target) || isInDialog())) return;
      const keys = before !== undefined && event.timeStamp - before.at < SEQUENCE_MS ? `${before.keys} ${key}` : key;
      const { command, goesOn } = commandOf(keys, registry.all());
      before = goesOn ? { keys, at: event.timeStamp } : undefined;
      if (command === undefined) return;
      event.preventDefault();
      command.run();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [registry]);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

function isInDialog(): boolean {
  return document.querySelector('[role="dialog"], [role="alertdialog"], [role="menu"]') !== null;
}

/** Keys as people read them: `⌘K`, `Ctrl K`, `G then P`. */
export function keysText(keys: string, isMac: boolean = /mac|iphone|ipad/i.test(navigator.userAgent)): string {
  return keys
    .split(" ")
    .map((key) => key.toUpperCase().replace("MOD+", isMac ? "⌘" : "Ctrl "))
    .join(" then ");
}
