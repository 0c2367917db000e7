import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { profileFolder } from "./profile-folder.ts";
import { writtenFolder } from "./testing/written-folder.ts";

const SKILL = "---\nname: counting\ndescription: Counts things\n---\n\nRun count.sh.\n";

async function failure(work: Promise<unknown>): Promise<RuntimeError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof RuntimeError) return error;
  throw new Error(`no RuntimeError: ${String(error)}`);
}

/** What is said of a profile with these files. */
async function problem(files: Record<string, string>): Promise<{ code: string; message: string; root: string }> {
  const paths = Object.entries(files).map(([path, content]) => [join("p", path), content]);
  const folder = realpathSync(writtenFolder(Object.fromEntries(paths) as Record<string, string>));
  const { code, message } = await failure(profileFolder(folder).loadAgentProfile("p"));
  return { code, message, root: join(folder, "p") };
}

async function opened(folder: string): Promise<string[]> {
  const warnings: string[] = [];
  await profileFolder(folder).open?.({ warn: (_detail, message) => void warnings.push(message) });
  return warnings;
}

test("a folder in the layout of the ecosystem is a profile, every part of it", async () => {
  const folder = writtenFolder({
    "reviewer/profile.json": JSON.stringify({
      name: "Reviewer",
      description: "Reviews code",
      systemPrompt: { append: "Be brief." },
      tools: ["Read", "Bash(git *)"],
      model: "haiku",
      npmDependencies: ["left-pad@1.3.0"],
      skills: [{ name: "inline", description: "In the file", skillMd: "# Inline" }],
    }),
    "reviewer/CLAUDE.md": "# Memory\n",
    "reviewer/.claude/skills/counting/SKILL.md": SKILL,
    "reviewer/.claude/skills/counting/scripts/count.sh": "#!/bin/sh\nwc -l\n",
    "reviewer/.claude/skills/counting/table.bin": Buffer.from([0xff, 0x00]),
    "reviewer/.claude/skills/README.md": "not a skill",
    "reviewer/.claude/agents/finder.md":
      "---\nname: finder\ndescription: 'Finds: things'\ntools: Read, Bash(git log, git show)\nmodel: inherit\n---\n\nFind it.\n",
    "reviewer/.claude/commands/fix.md": "---\ndescription: Fixes\nargument-hint: '[issue]'\n---\nFix $ARGUMENTS\n",
    "reviewer/.claude/commands/git/tidy.md": "Tidy $1\n",
    "reviewer/.mcp.json": JSON.stringify({
      mcpServers: {
        local: { command: "node", args: ["server.js"], env: { MODE: "x" } },
        far: { type: "http", url: "https://mcp.example.com/mcp", headers: { authorization: "${MCP_KEY}", x: "1" } },
        off: { command: "no", disabled: true },
      },
    }),
    "reviewer/workspace/start/hello.txt": "hello",
    ".hidden/profile.json": "no profile",
    "README.md": "no profile",
  });
  chmodSync(join(folder, "reviewer/.claude/skills/counting/scripts/count.sh"), 0o755);
  const profiles = profileFolder(folder);
  expect(await opened(folder)).toEqual([]);
  expect(await profiles.listAgentProfiles()).toEqual([
    { id: "reviewer", name: "Reviewer", description: "Reviews code" },
  ]);
  expect(await profiles.loadAgentProfile("reviewer")).toEqual({
    id: "reviewer",
    name: "Reviewer",
    description: "Reviews code",
    systemPrompt: { append: "Be brief." },
    tools: ["Read", "Bash(git *)"],
    model: "haiku",
    npmDependencies: ["left-pad@1.3.0"],
    agentMDFile: "# Memory\n",
    skills: [
      { name: "inline", description: "In the file", skillMd: "# Inline" },
      {
        name: "counting",
        description: "Counts things",
        skillMd: SKILL,
        supportingFiles: [
          { path: "scripts/count.sh", content: "#!/bin/sh\nwc -l\n", mode: 0o755 },
          { path: "table.bin", content: "/wA=", encoding: "base64" },
        ],
      },
    ],
    subagents: [
      {
        name: "finder",
        description: "Finds: things",
        prompt: "Find it.",
        tools: ["Read", "Bash(git log, git show)"],
      },
    ],
    commands: [
      { name: "fix", prompt: "Fix $ARGUMENTS" },
      { name: "git:tidy", prompt: "Tidy $1" },
    ],
    externalMCPs: [
      { name: "local", command: "node", args: ["server.js"], env: { MODE: "x" } },
      {
        name: "far",
        type: "http",
        url: "https://mcp.example.com/mcp",
        headers: { authorization: { secret: "MCP_KEY", hosts: ["mcp.example.com"] }, x: "1" },
      },
    ],
    defaultWorkspaceFiles: [{ path: "start/hello.txt", content: "hello" }],
  });
  expect(await profiles.loadAgentProfile("nobody")).toBeNull();
  expect(await profiles.loadAgentProfile("../reviewer")).toBeNull();
  expect(await profiles.loadAgentProfile(".hidden")).toBeNull();
});

test("a plugin is read as it is; hooks and what else has no effect are named", async () => {
  const folder = writtenFolder({
    "tools/.claude-plugin/plugin.json": JSON.stringify({
      name: "release-tools",
      description: "Releases",
      version: "1.2.3",
      commands: ["./commands", "./extra/announce.md"],
      mcpServers: { notes: { command: "node", args: ["${CLAUDE_PLUGIN_ROOT}/mcp/it's.js"], env: { LEVEL: "2" } } },
      hooks: "./hooks/hooks.json",
    }),
    "tools/skills/counting/SKILL.md": SKILL,
    "tools/agents/finder.md": "---\ndescription: Finds\npermissionMode: plan\n---\nFind it.",
    "tools/commands/tag.md": "---\nallowed-tools: Bash(git tag *)\n---\nTag it",
    "tools/extra/announce.md": "Announce it",
    "tools/hooks/hooks.json": "{}",
    "tools/mcp/it's.js": "",
    "tools/package.json": "{}",
    "tools/CLAUDE.md": "of whoever develops the plugin",
  });
  const root = realpathSync(join(folder, "tools"));
  const profiles = profileFolder(folder);
  expect(await profiles.listAgentProfiles()).toEqual([{ id: "tools", name: "release-tools", description: "Releases" }]);
  expect(await profiles.loadAgentProfile("tools")).toEqual({
    id: "tools",
    name: "release-tools",
    description: "Releases",
    skills: [{ name: "counting", description: "Counts things", skillMd: SKILL }],
    subagents: [{ name: "finder", description: "Finds", prompt: "Find it." }],
    commands: [
      { name: "tag", prompt: "Tag it" },
      { name: "announce", prompt: "Announce it" },
    ],
    bundledMCPs: [
      {
        name: "notes",
        description: "MCP server notes",
        localProjectPath: root,
        startCommand: "LEVEL='2' 'node' './mcp/it'\\''s.js'",
        installCommand: "npm install --omit=dev --no-audit --no-fund",
      },
    ],
  });
  expect(await opened(folder)).toEqual([
    `${join(root, "agents/finder.md")}: permissionMode: not supported, without effect`,
    `${join(root, "commands/tag.md")}: allowed-tools: not supported, without effect`,
    `${join(root, ".claude-plugin/plugin.json")}: hooks: not supported, without effect`,
    `${join(root, "hooks")}: not supported, without effect`,
  ]);
});

test("what has changed on disk is seen at the next load", async () => {
  const folder = writtenFolder({ "p/CLAUDE.md": "one" });
  const profiles = profileFolder(folder);
  expect(await profiles.loadAgentProfile("p")).toMatchObject({ agentMDFile: "one" });
  writeFileSync(join(folder, "p/CLAUDE.md"), "two");
  mkdirSync(join(folder, "q"));
  expect(await profiles.loadAgentProfile("p")).toMatchObject({ agentMDFile: "two" });
  expect(await profiles.listAgentProfiles()).toEqual([
    { id: "p", name: "p" },
    { id: "q", name: "q" },
  ]);
});

describe("links", () => {
  test("one inside of the folder is followed", async () => {
    const folder = writtenFolder({ "p/notes.md": "linked" });
    symlinkSync("notes.md", join(folder, "p/CLAUDE.md"));
    expect(await profileFolder(folder).loadAgentProfile("p")).toMatchObject({ agentMDFile: "linked" });
  });

  test.each([
    ["CLAUDE.md", "file.txt"],
    [".claude", "folder"],
    [".claude/skills/s", "folder"],
    ["workspace/passwords", "file.txt"],
  ])("%s does not lead out of it", async (link, target) => {
    const outside = writtenFolder({ "file.txt": "secret", "folder/SKILL.md": SKILL, "folder/agents/a.md": "secret" });
    const folder = writtenFolder({ "p/profile.json": "{}", "p/workspace/x": "", "p/.claude-not": "" });
    if (link.startsWith(".claude/")) mkdirSync(join(folder, "p/.claude/skills"), { recursive: true });
    symlinkSync(join(outside, target), join(folder, "p", link));
    const error = await failure(profileFolder(folder).loadAgentProfile("p"));
    expect(error.code).toBe("invalid_profile");
    expect(error.message).toContain(join(realpathSync(folder), "p", link));
    expect(error.message).toContain(": leads out of ");
  });

  test("a profile is not one that lies elsewhere; the others are listed", async () => {
    const outside = writtenFolder({ "CLAUDE.md": "secret" });
    const folder = writtenFolder({ "p/CLAUDE.md": "" });
    symlinkSync(outside, join(folder, "linked"));
    const profiles = profileFolder(folder);
    expect((await failure(profiles.loadAgentProfile("linked"))).message).toContain("leads out of");
    expect((await profiles.listAgentProfiles()).map(({ id }) => id)).toEqual(["linked", "p"]);
  });

  test("one that leads in a circle, and one that leads nowhere, are named", async () => {
    const folder = writtenFolder({ "p/workspace/a/x": "" });
    symlinkSync("..", join(folder, "p/workspace/a/up"));
    expect((await failure(profileFolder(folder).loadAgentProfile("p"))).message).toContain("a link leads in a circle");
    const other = writtenFolder({ "p/x": "" });
    symlinkSync("nothing", join(other, "p/CLAUDE.md"));
    expect((await failure(profileFolder(other).loadAgentProfile("p"))).message).toContain(
      "is a link that leads nowhere",
    );
  });
});

describe("problems name the file, the field and what to do", () => {
  test.each<[Record<string, string>, string]>([
    [{ "profile.json": "{" }, "profile.json: is not valid JSON"],
    [{ "profile.json": "[]" }, "profile.json: must be a JSON object."],
    [{ "profile.json": '{"nmae":"x"}' }, "profile.json: nmae: unknown field. Remove it."],
    [{ "profile.json": '{"tools":"Read"}' }, "profile.json: tools: "],
    [{ "profile.json": '{"id":"q"}' }, "profile.json: id: must be the folder's name, p."],
    [{ "profile.json": '{"agentMDFile":"x"}', "CLAUDE.md": "y" }, "profile.json: agentMDFile: stands in "],
    [{ ".claude/skills/s/SKILL.md": "# No description" }, ".claude/skills/s/SKILL.md: description: is missing"],
    [{ ".claude/skills/s/notes.md": "" }, ".claude/skills/s: has no SKILL.md. Write one"],
    [{ ".claude/skills/s/SKILL.md": "---\ndescription: a: b\n---\n" }, "SKILL.md: the front matter is no YAML: "],
    [{ ".claude/skills/s/SKILL.md": "---\nname: s\n" }, "SKILL.md: the front matter has no end."],
    [{ ".claude/agents/a.md": "no description" }, ".claude/agents/a.md: description: is missing."],
    [{ ".claude/agents/a.md": "---\ndescription: x\ntools: 5\n---\n" }, ".claude/agents/a.md: tools: "],
    [
      {
        ".claude/agents/a.md": "---\nname: x\ndescription: x\n---\n",
        ".claude/agents/b.md": "---\nname: x\ndescription: y\n---\n",
      },
      ".claude/agents/b.md: name: is a second subagent of the name x",
    ],
    [{ ".claude/commands/a b.md": "" }, ".claude/commands/a b.md: name: must be"],
    [{ ".mcp.json": '{"mcpServers":{"a":{}}}' }, ".mcp.json: command: "],
    [{ ".mcp.json": '{"mcpServers":{"a":{"type":"http","url":"ftp://x"}}}' }, ".mcp.json: url: must be an http"],
    [
      { ".mcp.json": '{"mcpServers":{"a":{"command":"x","env":{"K":"${K}"}}}}' },
      '.mcp.json: mcpServers.a.env.K: ${K} is not put in here. Write the text, or in env and headers a secret: { "secret"',
    ],
    [
      {
        "profile.json":
          '{"bundledMCPs":[{"name":"a","description":"","localProjectPath":"/etc","startCommand":"x","installCommand":"x"}]}',
      },
      "profile.json: bundledMCPs.0.localProjectPath: must be a path in the profile's folder.",
    ],
    [
      { ".claude-plugin/plugin.json": '{"name":"x","agents":"../other"}' },
      ".claude-plugin/plugin.json: agents: ../other lies outside of the plugin.",
    ],
    [{ ".claude-plugin/plugin.json": '{"name":"x","commands":"./no.md"}' }, "no.md: is named, and is not there."],
  ])("%o", async (files, said) => {
    const { code, message, root } = await problem(files);
    expect(code).toBe("invalid_profile");
    expect(message).toContain(root);
    expect(message.replaceAll(`${root}/`, "")).toContain(said);
  });

  test("at the start all of them are named, and no server begins", async () => {
    const folder = writtenFolder({ "a/profile.json": "{", "b/CLAUDE.md": "fine", "c/profile.json": '{"tools":5}' });
    const error = await failure(opened(folder).then(() => undefined));
    expect(error.code).toBe("invalid_configuration");
    expect(error.message.split("\n")).toEqual([
      expect.stringContaining("a/profile.json: is not valid JSON") as string,
      expect.stringContaining("c/profile.json: tools: ") as string,
    ]);
  });

  test("a folder that is not there, one that is itself a profile, and an empty one", async () => {
    const folder = writtenFolder({ "p/CLAUDE.md": "" });
    const missing = await failure(opened(join(folder, "no")).then(() => undefined));
    expect(missing).toMatchObject({
      code: "invalid_configuration",
      message: expect.stringContaining("cannot be read") as string,
    });
    const self = await failure(opened(join(folder, "p")).then(() => undefined));
    expect(self.message).toContain("is itself a profile. Name the folder that it lies in.");
    expect(await opened(writtenFolder({}))).toEqual([
      expect.stringContaining("there is no profile in it yet") as string,
    ]);
  });
});
