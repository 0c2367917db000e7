import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, lstat, mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** Version control and what an install command makes: neither copied nor looked at. */
const LEFT_OUT = new Set([".git", "node_modules", ".venv", "__pycache__"]);
const MAX_FILES = 20_000;
const MAX_BYTES = 512 * 1024 * 1024;

/** A file, a symlink (never followed) or a folder of a project. */
interface ProjectEntry {
  /** Relative, POSIX. */
  readonly path: string;
  readonly type: "file" | "symlink" | "folder";
  readonly executable: boolean;
  readonly target?: string;
}

/** SHA-256, in hex, of a project's names, links, executable bits and bytes. Throws `environment_failed`. */
export async function projectDigest(name: string, folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const entry of await entriesOf(name, folder)) {
    const { type, executable, path, target = "" } = entry;
    hash.update(JSON.stringify([type, executable, path, target]));
    if (type === "file") hash.update(await fileDigest(join(folder, path)));
  }
  return hash.digest("hex");
}

/** Copies a project. Throws `environment_failed`. */
export async function copyProject(name: string, folder: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const { type, path, target } of await entriesOf(name, folder)) {
    const place = join(to, path);
    if (type === "folder") await mkdir(place, { recursive: true });
    else if (type === "symlink") await symlink(target ?? "", place);
    else await copyFile(join(folder, path), place);
  }
}

async function fileDigest(path: string): Promise<Buffer> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest();
}

/** In one order, whatever the file system's is. */
async function entriesOf(name: string, folder: string): Promise<readonly ProjectEntry[]> {
  const there = isAbsolute(folder) ? await lstat(folder).catch(() => null) : null;
  if (there === null || !there.isDirectory()) {
    throw new RuntimeError(
      "environment_failed",
      `The project ${name} of the profile is not there: localProjectPath must be the absolute path of a folder of the server, and is ${JSON.stringify(folder)}.`,
      { field: "bundledMCPs.localProjectPath" },
    );
  }
  const entries: ProjectEntry[] = [];
  let bytes = 0;
  async function walk(path: string): Promise<void> {
    for (const child of (await readdir(join(folder, path))).toSorted()) {
      if (LEFT_OUT.has(child)) continue;
      const at = path === "" ? child : `${path}/${child}`;
      const stat = await lstat(join(folder, at));
      const executable = (stat.mode & 0o100) !== 0;
      if (stat.isSymbolicLink()) {
        entries.push({ path: at, type: "symlink", executable: false, target: await readlink(join(folder, at)) });
      } else if (stat.isDirectory()) {
        entries.push({ path: at, type: "folder", executable: false });
        await walk(at);
      } else if (stat.isFile()) {
        entries.push({ path: at, type: "file", executable });
        bytes += stat.size;
      }
      if (entries.length > MAX_FILES || bytes > MAX_BYTES) throw tooLarge(name);
    }
  }
  await walk("");
  return entries;
}

function tooLarge(name: string): RuntimeError {
  return new RuntimeError(
    "environment_failed",
    `The project ${name} of the profile is too large: at most ${MAX_FILES} files and ${MAX_BYTES / 1024 / 1024} MiB, without node_modules, .venv and .git.`,
    { field: "bundledMCPs.localProjectPath" },
  );
}
