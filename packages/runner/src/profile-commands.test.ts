import { expect, test } from "vitest";
import { callsHarness, commandPrompt } from "./profile-commands.ts";

const commands = [
  { name: "review", prompt: "Review $1 for $2. All: $ARGUMENTS." },
  { name: "front:plain", prompt: "Do it." },
];

const skills = [
  {
    name: "weigh",
    description: "Weighs",
    skillMd: "---\nname: weigh\n---\nRun ${CLAUDE_SKILL_DIR}/weigh.sh, awk '$1'.\n",
  },
  { name: "review", description: "Has the name of a command", skillMd: "not this" },
  { name: "told", description: "Says where", skillMd: "Weigh $ARGUMENTS." },
];
const skillFolder = (name: string) => `/skills/${name}`;
const callable = { profile: { commands, skills }, skillFolder };

test.for([
  ['/review a.ts "two words" rest', 'Review a.ts for two words. All: a.ts "two words" rest.'],
  ["/review $2 'it''s'", "Review $2 for it. All: $2 'it''s'."],
  ["/review", "Review  for . All: ."],
  ["/front:plain", "Do it."],
  ["/front:plain now\nor later", "Do it.\n\nARGUMENTS: now\nor later"],
  ["/weigh", "The skill weigh, whose files are in /skills/weigh:\n\nRun /skills/weigh/weigh.sh, awk '$1'.\n"],
  ["/profile:told it", "The skill told, whose files are in /skills/told:\n\nWeigh it."],
])("%j", ([content, prompt]) => {
  expect(commandPrompt(callable, content as string)).toBe(prompt);
});

test.for(["/etc/hosts is wrong", " /review a", "not /review", "/", "/ review"])("%j is text", (content) => {
  expect(commandPrompt(callable, content)).toBe(content);
});

test("a command that is not there is named, with those that are; without commands everything is text", () => {
  expect(() => commandPrompt(callable, "/reveiw a")).toThrowError(
    expect.objectContaining({
      code: "unknown_command",
      message: expect.stringMatching(/no command \/reveiw.*\/review, \/front:plain.*begins with a space/) as string,
    }),
  );
  expect(commandPrompt({ profile: {}, skillFolder }, "/clear")).toBe("/clear");
  expect(commandPrompt({ profile: { commands: [], skills }, skillFolder }, "/clear now")).toBe("/clear now");
  expect(commandPrompt({ profile: { skills }, skillFolder }, "/told x")).toContain("Weigh x.");
});

test("two commands are the harness's own, unless the profile has them", () => {
  expect(callsHarness({ commands }, "/compact keep the names")).toBe(true);
  expect(callsHarness({}, "/context")).toBe(true);
  expect(commandPrompt(callable, "/compact keep the names")).toBe("/compact keep the names");
  expect(callsHarness({}, "/clear")).toBe(false);
  const own = { commands: [{ name: "compact", prompt: "Be brief." }] };
  expect(callsHarness(own, "/compact")).toBe(false);
  expect(commandPrompt({ profile: own, skillFolder }, "/compact")).toBe("Be brief.");
});
