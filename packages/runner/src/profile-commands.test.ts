import { expect, test } from "vitest";
import { commandPrompt } from "./profile-commands.ts";

const commands = [
  { name: "review", prompt: "Review $1 for $2. All: $ARGUMENTS." },
  { name: "front:plain", prompt: "Do it." },
];

test.for([
  ['/review a.ts "two words" rest', 'Review a.ts for two words. All: a.ts "two words" rest.'],
  ["/review $2 'it''s'", "Review $2 for it. All: $2 'it''s'."],
  ["/review", "Review  for . All: ."],
  ["/front:plain", "Do it."],
  ["/front:plain now\nor later", "Do it.\n\nARGUMENTS: now\nor later"],
])("%j", ([content, prompt]) => {
  expect(commandPrompt(commands, content as string)).toBe(prompt);
});

test.for(["/etc/hosts is wrong", " /review a", "not /review", "/", "/ review"])("%j is text", (content) => {
  expect(commandPrompt(commands, content)).toBe(content);
});

test("a command that is not there is named, with those that are; without commands everything is text", () => {
  expect(() => commandPrompt(commands, "/reveiw a")).toThrowError(
    expect.objectContaining({
      code: "unknown_command",
      message: expect.stringMatching(/no command \/reveiw.*\/review, \/front:plain.*begins with a space/) as string,
    }),
  );
  expect(commandPrompt(undefined, "/clear")).toBe("/clear");
  expect(commandPrompt([], "/clear now")).toBe("/clear now");
});
