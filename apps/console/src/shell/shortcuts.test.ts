import { expect, test } from "vitest";
import { CommandRegistry, type Command } from "./commands.tsx";
import { commandOf, keyOf, keysText } from "./shortcuts.ts";

const none = { ctrlKey: false, metaKey: false, altKey: false };
const command = (id: string, keys?: string): Command => ({
  id,
  label: id,
  group: "g",
  ...(keys === undefined ? {} : { keys }),
  run: () => {},
});

test("keys have one name on every keyboard", () => {
  expect(keyOf({ key: "K", ...none })).toBe("k");
  expect(keyOf({ key: "k", ...none, ctrlKey: true })).toBe("mod+k");
  expect(keyOf({ key: "k", ...none, metaKey: true })).toBe("mod+k");
  expect(keyOf({ key: "?", ...none })).toBe("?");
  // What is written with Alt is a letter of its own on some keyboards, and Enter and the arrows belong to what has the focus.
  expect(keyOf({ key: "k", ...none, altKey: true })).toBeUndefined();
  expect(keyOf({ key: "Enter", ...none })).toBeUndefined();
});

test("keys that follow each other are one command's, and a beginning waits for its end", () => {
  const commands = [command("home", "g h"), command("new", "c"), command("none")];
  expect(commandOf("c", commands)).toMatchObject({ command: { id: "new" }, goesOn: false });
  expect(commandOf("g", commands)).toEqual({ command: undefined, goesOn: true });
  expect(commandOf("g h", commands)).toMatchObject({ command: { id: "home" }, goesOn: false });
  expect(commandOf("g x", commands)).toEqual({ command: undefined, goesOn: false });
});

test("keys as people read them", () => {
  expect([keysText("mod+k", true), keysText("mod+k", false), keysText("g h", false)]).toEqual([
    "⌘K",
    "Ctrl K",
    "G then H",
  ]);
});

test("parts offer commands while they are there, as they are at the moment; of one id the later stands", () => {
  const registry = new CommandRegistry();
  const page = { current: [command("a", "1"), command("b")] };
  const leave = registry.add({ current: [command("a", "2")] });
  registry.add(page);
  expect(registry.all().map(({ id, keys }) => [id, keys])).toEqual([
    ["a", "1"],
    ["b", undefined],
  ]);
  page.current = [command("c")];
  expect(registry.all().map(({ id }) => id)).toEqual(["a", "c"]);
  leave();
  expect(registry.all().map(({ id }) => id)).toEqual(["c"]);
});
