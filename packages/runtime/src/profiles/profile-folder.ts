import { RuntimeError, type AgentProfile, type AgentProfileListData } from "@hhopkins/agent-runtime-protocol";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FolderFiles } from "./folder-files.ts";
import type { ProfileLog, ProfileSource } from "./port.ts";
import { PLUGIN_FILE, PROFILE_FILE, readHead, readProfile } from "./read-profile.ts";

/**
 * Profiles of a folder: each folder in it is one, by its name, in the layout of Claude Code (`CLAUDE.md`,
 * `.claude/skills`, `.claude/agents`, `.claude/commands`, `.mcp.json`, and `profile.json` for the rest), or a plugin of it. Files are
 * read at each use, so changes are seen by the next session. `open()` reads them all and throws
 * `invalid_configuration` with every problem.
 */
export function profileFolder(folder: string): ProfileSource {
  const root = resolve(folder);
  return {
    open: (log) => openAll(root, log),
    async listAgentProfiles() {
      const profiles: AgentProfileListData[] = [];
      for (const id of await idsIn(root)) {
        // What is wrong with it is told to whoever uses it; the others are listed all the same.
        const files = await filesOf(root, id).catch(() => null);
        profiles.push({ id, ...(files === null ? { name: id } : await readHead(files, id)) });
      }
      return profiles;
    },
    async loadAgentProfile(id): Promise<AgentProfile | null> {
      if (!(await idsIn(root)).includes(id)) return null;
      const files = await filesOf(root, id);
      return files === null ? null : (await readProfile(files, id)).profile;
    },
  };
}

async function openAll(root: string, log: ProfileLog): Promise<void> {
  const ids = await idsIn(root);
  if (await isProfile(root)) throw wrong(`${root}: is itself a profile. Name the folder that it lies in.`);
  if (ids.length === 0) log.warn({}, `${root}: there is no profile in it yet: one folder each`);
  const problems: string[] = [];
  for (const id of ids) {
    try {
      const files = await filesOf(root, id);
      const { notices } = files === null ? { notices: [] } : await readProfile(files, id);
      for (const notice of notices) log.warn({ profileId: id }, notice);
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw wrong(problems.join("\n"));
}

async function isProfile(root: string): Promise<boolean> {
  const files = await FolderFiles.at(root);
  if (files === null) return false;
  const texts = await Promise.all([PROFILE_FILE, PLUGIN_FILE, "CLAUDE.md"].map((file) => files.text(file)));
  return texts.some((text) => text !== null);
}

/** null: it has gone meanwhile. Throws `invalid_profile` for a link out of the folder of profiles. */
async function filesOf(root: string, id: string): Promise<FolderFiles | null> {
  const isThere = await (await FolderFiles.at(root))?.isFolder(id);
  return isThere === true ? FolderFiles.at(join(root, id)) : null;
}

/** Names of the folders, in order. */
async function idsIn(root: string): Promise<string[]> {
  try {
    const entries = await readdir(root, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map(({ name }) => name)
      .filter((name) => !name.startsWith(".") && name !== "node_modules")
      .toSorted();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw wrong(`${root}: the folder of profiles cannot be read: ${reason}. Make it, or name another one.`, cause);
  }
}

function wrong(message: string, cause?: unknown): RuntimeError {
  return new RuntimeError("invalid_configuration", message, { field: "profiles", cause });
}
