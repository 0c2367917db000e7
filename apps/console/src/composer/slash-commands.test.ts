import { expect, test } from "vitest";
import { commandsOf, matchingCommands } from "./slash-commands.ts";

const skill = { name: "review-style", description: "How we write\nand more", skillMd: "" };
const profile = {
  id: "p",
  name: "P",
  commands: [
    { name: "review", prompt: "Look at $ARGUMENTS\nwith care" },
    { name: "compact", prompt: "our own" },
  ],
  skills: [skill],
};

test("a profile's commands and skills, and the harness's own, unless the profile has one of that name", () => {
  expect(commandsOf(profile)).toEqual([
    { name: "review", about: "Look at $ARGUMENTS" },
    { name: "compact", about: "our own" },
    { name: "review-style", about: "How we write" },
    { name: "context", about: expect.any(String) },
  ]);
});

test.each<[string, string[]]>([
  ["/", ["compact", "context", "review", "review-style"]],
  ["/Re", ["review", "review-style"]],
  ["/style", ["review-style"]],
  ["/o", ["compact", "context"]],
  ["/review ", []],
  ["/review a", []],
  [" /review", []],
  ["/none", []],
  ["text", []],
])("%o offers %o", (text, names) => {
  expect(matchingCommands(text, commandsOf(profile)).map(({ name }) => name)).toEqual(names);
});
