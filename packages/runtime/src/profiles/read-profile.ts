import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { isAbsolute, join } from "node:path";
import { DraftProfile } from "./draft-profile.ts";
import { invalidProfile, type FolderFiles } from "./folder-files.ts";
import {
  addCommand,
  addCommands,
  addSkill,
  addSkills,
  addSubagent,
  addSubagents,
  addWorkspaceFiles,
} from "./folder-parts.ts";
import { addMcpServers } from "./mcp-file.ts";

export const PROFILE_FILE = "profile.json";
export const PLUGIN_FILE = join(".claude-plugin", "plugin.json");
const MCP_FILE = ".mcp.json";
/** Of those the first that is there. */
const MEMORY_FILES = ["CLAUDE.md", join(".claude", "CLAUDE.md"), "AGENTS.md"];
/** Folders that have `skills/`, `agents/` and `commands/`. */
const BASES = [".claude", ""];
/** What the ecosystem has there besides, which no sandbox gets. */
const UNSUPPORTED = ["hooks", ".lsp.json", "output-styles", join(".claude", "settings.json"), join(".claude", "hooks")];

type Fields = Readonly<Record<string, unknown>>;

export interface ReadProfile {
  readonly profile: AgentProfile;
  /** What is there and has no effect. */
  readonly notices: readonly string[];
}

/** Reads the profile of one folder. Throws `invalid_profile` that names the file, the field and what to do. */
export async function readProfile(files: FolderFiles, id: string): Promise<ReadProfile> {
  const plugin = await readJson(files, PLUGIN_FILE);
  const own = await readJson(files, PROFILE_FILE);
  if (own?.["id"] !== undefined && own["id"] !== id) {
    const where = `${files.place(PROFILE_FILE)}: id`;
    throw invalidProfile(where, `must be the folder's name, ${id}. Leave it away, or rename the folder.`);
  }
  const head = { id, ...headOf(plugin, id), ...own };
  const draft = new DraftProfile(files, head, own === null && plugin !== null ? PLUGIN_FILE : PROFILE_FILE);
  await insideProjects(files, own);
  if (plugin === null) await addMemory(draft);
  for (const base of plugin === null ? BASES : [""]) {
    await addSkills(draft, join(base, "skills"));
    await addSubagents(draft, join(base, "agents"));
    await addCommands(draft, join(base, "commands"));
  }
  const servers = await readJson(files, MCP_FILE);
  if (servers !== null) await addMcpServers(draft, servers, MCP_FILE);
  if (plugin === null) await addWorkspaceFiles(draft, "workspace");
  else await addNamedParts(draft, plugin);
  for (const path of UNSUPPORTED) {
    if (await exists(files, path)) draft.notice(path, "not supported, without effect");
  }
  return { profile: withPlaces(draft.checked(), files), notices: draft.notices };
}

/** What lists show of a profile, whether or not the rest of it is valid. */
export async function readHead(files: FolderFiles, id: string): Promise<{ name: string; description?: string }> {
  const own = await readJson(files, PROFILE_FILE).catch(() => null);
  const plugin = await readJson(files, PLUGIN_FILE).catch(() => null);
  const { name, description } = { ...headOf(plugin, id), ...own };
  return {
    name: typeof name === "string" && name !== "" ? name : id,
    ...(typeof description === "string" ? { description } : {}),
  };
}

function headOf(plugin: Fields | null, id: string): Fields {
  const { name = id, description } = plugin ?? {};
  return { name, ...(description === undefined ? {} : { description }) };
}

async function addMemory(draft: DraftProfile): Promise<void> {
  for (const file of MEMORY_FILES) {
    const text = await draft.files.text(file);
    if (text === null) continue;
    draft.set("agentMDFile", text, file);
    return;
  }
}

/** Parts that a plugin's manifest names outside of the usual folders. */
async function addNamedParts(draft: DraftProfile, plugin: Fields): Promise<void> {
  const { files } = draft;
  const named = (field: string): string[] => pathsOf(files, plugin, field);
  for (const path of named("skills")) await ((await hasSkill(files, path)) ? addSkill : addSkills)(draft, path);
  for (const path of named("agents")) await ((await files.isFolder(path)) ? addSubagents : addSubagent)(draft, path);
  for (const path of named("commands")) await ((await files.isFolder(path)) ? addCommands : addCommand)(draft, path);
  const servers = plugin["mcpServers"];
  if (typeof servers === "string") {
    const [path = ""] = named("mcpServers");
    const value = await readJson(files, path);
    if (value === null) throw invalidProfile(files.place(path), "is named by plugin.json, and is not there.");
    await addMcpServers(draft, value, path);
  } else if (servers !== undefined) await addMcpServers(draft, servers, PLUGIN_FILE);
  for (const field of ["hooks", "lspServers", "outputStyles"])
    if (plugin[field] !== undefined) draft.notice(PLUGIN_FILE, `${field}: not supported, without effect`);
}

async function hasSkill(files: FolderFiles, path: string): Promise<boolean> {
  return (await files.text(join(path, "SKILL.md"))) !== null;
}

/** Paths in a manifest's field, without those that are read anyway. */
function pathsOf(files: FolderFiles, plugin: Fields, field: string): string[] {
  const value = plugin[field];
  const given = value === undefined ? [] : Array.isArray(value) ? (value as unknown[]) : [value];
  return given.flatMap((path) => {
    const where = `${files.place(PLUGIN_FILE)}: ${field}`;
    if (typeof path !== "string") throw invalidProfile(where, "must be a path, or a list of paths.");
    const local = join(path);
    if (isAbsolute(local) || local.startsWith("..")) {
      throw invalidProfile(where, `${path} lies outside of the plugin. Copy it there.`);
    }
    return local.replace(/\/$/, "") === field || join(local) === MCP_FILE ? [] : [local];
  });
}

/** null: there is no such file. */
async function readJson(files: FolderFiles, file: string): Promise<Fields | null> {
  const text = await files.text(file);
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidProfile(files.place(file), `is not valid JSON: ${reason}. Mend or remove it.`, cause);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalidProfile(files.place(file), "must be a JSON object.");
}

/** Projects of MCP servers that the profile brings lie in its folder, so that nothing else of the host is copied. */
async function insideProjects(files: FolderFiles, own: Fields | null): Promise<void> {
  const projects = own?.["bundledMCPs"];
  if (!Array.isArray(projects)) return;
  for (const [index, project] of (projects as unknown[]).entries()) {
    const path = (project as { localProjectPath?: unknown } | null)?.localProjectPath;
    if (typeof path !== "string") continue;
    const where = `${files.place(PROFILE_FILE)}: bundledMCPs.${index}.localProjectPath`;
    if (isAbsolute(path) || join(path).startsWith("..")) {
      throw invalidProfile(where, "must be a path in the profile's folder. Put the project there.");
    }
    if (!(await files.isFolder(path))) throw invalidProfile(where, `there is no folder ${path} in the profile's.`);
  }
}

/** Whoever copies a project knows nothing of the profile's folder. */
function withPlaces(profile: AgentProfile, files: FolderFiles): AgentProfile {
  if (profile.bundledMCPs === undefined) return profile;
  const bundledMCPs = profile.bundledMCPs.map((server) => ({
    ...server,
    localProjectPath: isAbsolute(server.localProjectPath)
      ? server.localProjectPath
      : files.place(server.localProjectPath),
  }));
  return { ...profile, bundledMCPs };
}

async function exists(files: FolderFiles, path: string): Promise<boolean> {
  if (await files.isFolder(path)) return true;
  return (await files.bytes(path)) !== null;
}
