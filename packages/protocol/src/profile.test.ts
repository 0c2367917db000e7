import { expect, test } from "vitest";
import { fromZodError } from "./errors.ts";
import { AgentProfile } from "./profile.ts";

/** What is wrong with a profile, as people are told: field and reason. */
function problem(more: object): string | null {
  const parsed = AgentProfile.safeParse({ id: "p", name: "P", ...more });
  return parsed.success ? null : fromZodError(parsed.error, "profile").message;
}

const skill = { name: "weigh", description: "Weighs", skillMd: "Weigh." };
const stdio = { name: "files", command: "node" };
const bundled = { name: "files", description: "", localProjectPath: "/x", startCommand: "x", installCommand: "x" };

test.for([
  [
    { skills: [{ ...skill, description: " " }] },
    /^profile\.skills\.0\.description: is missing: by it the model decides/,
  ],
  [{ skills: [skill, skill] }, /^profile\.skills\.1\.name: is a second skill of the name weigh$/],
  [{ skills: [{ ...skill, name: "../up" }] }, /^profile\.skills\.0\.name: must be 1–64 of/],
  [{ skills: [{ ...skill, supportingFiles: [{ path: "../up", content: "" }] }] }, /supportingFiles\.0\.path: must not/],
  [
    { subagents: [1, 2].map(() => ({ name: "a", description: "", prompt: "" })) },
    /subagents\.1\.name: is a second subagent/,
  ],
  [
    { commands: [1, 2].map(() => ({ name: "a", prompt: "" })) },
    /commands\.1\.name: is a second command of the name a$/,
  ],
  [{ commands: [{ name: "/a", prompt: "" }] }, /commands\.0\.name: must be 1–100 of .* without a slash/],
  [{ externalMCPs: [stdio, stdio] }, /externalMCPs\.1\.name: is a second MCP server of the name files$/],
  [
    { bundledMCPs: [bundled], externalMCPs: [stdio] },
    /externalMCPs\.0\.name: is a second MCP server .*bundledMCPs has files$/,
  ],
  [{ bundledMCPs: [{ ...bundled, name: "a.b" }], externalMCPs: [{ ...stdio, name: "a_b" }] }, /bundledMCPs has a\.b$/],
  [{ externalMCPs: [{ ...stdio, name: "host" }] }, /externalMCPs\.0\.name: is the name of the application's own tools/],
  [{ hostTools: ["mcp__host__a.b"] }, /^profile\.hostTools\.0: must be 1–64 of .* without the mcp__host__ before it$/],
  [{ effort: "most" }, /^profile\.effort: /],
  [{ limits: { maxSteps: 0 } }, /^profile\.limits\.maxSteps: /],
  [{ limits: { maxTurns: 1 } }, /^profile\.limits\.maxTurns: unknown field$/],
  [{ externalMCPs: [{ type: "http", name: "a", url: "file:///etc" }] }, /externalMCPs\.0/],
] as const)("%j is refused by field and reason", ([more, message]) => {
  expect(problem(more)).toMatch(message);
});

test("skills that do not fit into a line of the wire are refused, and what to do is said", () => {
  const large = (size: number, letter = "x"): object => ({
    skills: [{ ...skill, supportingFiles: [{ path: "data", content: letter.repeat(size) }] }],
  });
  const bytes = Buffer.byteLength(JSON.stringify(large(1_000_000, "aé€😀")).slice('{"skills":'.length, -1));
  expect(problem(large(1_000_000, "aé€😀"))).toContain(`have ${bytes} bytes`);
  expect(problem(large(3_000_000))).toBeNull();
  expect(problem(large(3_200_000))).toMatch(
    /^profile\.skills: have 3200\d+ bytes .* put them into defaultWorkspaceFiles$/,
  );
});

test("one name may be that of a skill, a command, a subagent and a server", () => {
  const commands = [{ name: "weigh", prompt: "" }];
  const subagents = [{ name: "weigh", description: "", prompt: "" }];
  expect(problem({ skills: [skill], commands, subagents, externalMCPs: [{ ...stdio, name: "weigh" }] })).toBeNull();
});

test("a rule that a harness could not read, and would leave out, is refused", () => {
  const withRule = (ask: string) => AgentProfile.safeParse({ id: "p", name: "P", permissions: { ask: [ask] } });
  for (const good of ["Bash", "Bash(git push *)", "mcp__a-b__*", "Write(/src/**)", "WebFetch(domain:example.com)"])
    expect(withRule(good).success).toBe(true);
  for (const bad of ["", "Bash(", "Bash()", "(git push)", "Bash(git push) *", "git push"])
    expect(withRule(bad).error?.issues[0]).toMatchObject({
      path: ["permissions", "ask", 0],
      message: "must be a tool's name, or Tool(pattern)",
    });
});
