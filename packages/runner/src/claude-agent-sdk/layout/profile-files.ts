import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { mcpToolPrefix, type AgentProfile } from "@hhopkins/agent-runtime-protocol";

/** Files of a profile, laid out in folders of the agent's home: outside of the workspace, so they are no changes of it. */
export interface ProfileFiles {
  /** A plugin of the harness with the skills. */
  readonly plugin: string | undefined;
  /** What the harness calls the skills by. */
  readonly skills: readonly string[];
  /** Where a skill lies, by its name in the profile. */
  skillFolder(name: string): string;
  /** Folder with the memory file. */
  readonly memory: string | undefined;
}

type Skill = NonNullable<AgentProfile["skills"]>[number];

/** It stands before the names of skills. */
const PLUGIN = "profile";
const MANIFEST = { name: PLUGIN, version: "1.0.0", description: "What the agent's profile brings along" };

/** Writes the files anew; what an earlier start has left there goes. */
export async function writeProfileFiles(profile: AgentProfile, folder: string): Promise<ProfileFiles> {
  await rm(folder, { recursive: true, force: true });
  const skills = profile.skills ?? [];
  const plugin = join(folder, "plugin");
  const memory = join(folder, "memory");
  const skillFolder = (name: string): string => join(plugin, "skills", name);
  if (skills.length > 0) {
    await put(join(plugin, ".claude-plugin", "plugin.json"), JSON.stringify(MANIFEST));
    for (const skill of skills) await writeSkill(skill, skillFolder(skill.name));
  }
  const remembered = memoryOf(profile);
  if (remembered !== "") await put(join(memory, "CLAUDE.md"), remembered);
  return {
    plugin: skills.length === 0 ? undefined : plugin,
    skills: skills.map(({ name }) => `${PLUGIN}:${name}`),
    skillFolder,
    memory: remembered === "" ? undefined : memory,
  };
}

/** The memory file; what MCP servers are for has no other place, since they say it of themselves only by their tools. */
function memoryOf({ agentMDFile, bundledMCPs = [] }: AgentProfile): string {
  const described = bundledMCPs.filter(({ description }) => description.trim() !== "");
  const servers = described.map(({ name, description }) => `- ${name} (tools ${mcpToolPrefix(name)}…): ${description}`);
  const section = servers.length === 0 ? [] : [`# MCP servers\n${servers.join("\n")}\n`];
  return [...(agentMDFile === undefined ? [] : [agentMDFile]), ...section].join("\n\n");
}

async function writeSkill(skill: Skill, folder: string): Promise<void> {
  for (const { path, content, encoding, mode } of skill.supportingFiles ?? []) {
    const file = join(folder, path);
    await put(file, Buffer.from(content, encoding ?? "utf8"));
    await chmod(file, mode ?? 0o644);
  }
  await put(join(folder, "SKILL.md"), withFrontMatter(skill));
}

/** The document with the profile's name and description in its front matter, and what else stood there. */
function withFrontMatter({ name, description, skillMd }: Skill): string {
  const [whole = "", front = ""] = /^---[ \t]*\r?\n([\s\S]*?\n)?---[ \t]*(?:\r?\n|$)/.exec(skillMd) ?? [];
  const others = withoutKeys(front.split(/\r?\n/), new Set(["name", "description"]));
  const lines = [`name: ${JSON.stringify(name)}`, `description: ${JSON.stringify(description)}`, ...others];
  return `---\n${lines.join("\n")}\n---\n${skillMd.slice(whole.length)}`;
}

/** YAML lines without those keys, and without the lines that go on with their values. */
function withoutKeys(lines: readonly string[], keys: ReadonlySet<string>): string[] {
  let dropped = false;
  return lines.filter((line) => {
    if (line.trim() === "") return false;
    const key = /^([A-Za-z_-]+)\s*:/.exec(line)?.[1];
    if (key !== undefined) dropped = keys.has(key);
    return !dropped;
  });
}

async function put(file: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}
