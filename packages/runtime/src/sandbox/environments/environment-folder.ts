import { execFile } from "node:child_process";
import { lstat, mkdir, readFile, readdir, rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";

const run = promisify(execFile);

/** Environments of this host lie in `environments/NAME` of the data directory. */
export interface EnvironmentFolder {
  readonly name: string;
  readonly root: string;
  /** What sandboxes see. */
  readonly files: string;
}

/** Written when everything else is there: a folder without it is a half, and is removed. */
const Record = z.object({ version: z.literal(1), bytes: z.number().nonnegative(), installedAt: z.string() });

/** An environment that is whole. */
export interface KeptEnvironment {
  readonly name: string;
  readonly bytes: number;
  /** In ms since 1970. */
  readonly lastUsed: number;
}

export function environmentsFolder(dataDir: string): string {
  return join(dataDir, "environments");
}

export function environmentFolder(dataDir: string, name: string): EnvironmentFolder {
  const root = join(environmentsFolder(dataDir), name);
  return { name, root, files: join(root, "files") };
}

export async function makeEnvironmentFolder(folder: EnvironmentFolder): Promise<void> {
  await mkdir(folder.root, { recursive: true, mode: 0o700 });
  for (const name of ["projects", "node_modules"]) {
    await mkdir(join(folder.files, name), { recursive: true, mode: 0o755 });
  }
}

/** null: not there, or a half. */
export async function readEnvironment(folder: EnvironmentFolder): Promise<KeptEnvironment | null> {
  try {
    const { bytes } = Record.parse(JSON.parse(await readFile(recordPath(folder), "utf8")));
    const { mtimeMs } = await lstat(recordPath(folder));
    return { name: folder.name, bytes, lastUsed: mtimeMs };
  } catch {
    return null;
  }
}

/** From now on it is whole, and nobody writes in it. Throws `environment_failed`. */
export async function sealEnvironment(folder: EnvironmentFolder, now: Date): Promise<void> {
  // Mounted by itself: a link that an install script has left there would lead anywhere on this host.
  const modules = await lstat(join(folder.files, "node_modules")).catch(() => null);
  if (modules?.isDirectory() !== true) {
    throw new RuntimeError("environment_failed", "After the installation, node_modules is no folder any more.");
  }
  // Files alone: their owner goes on being able to remove the data directory. What sandboxes see is mounted read-only.
  await run("find", [folder.files, "-type", "f", "-exec", "chmod", "a-w", "{}", "+"]);
  const record = { version: 1 as const, bytes: await sizeOf(folder.files), installedAt: now.toISOString() };
  await writeFile(`${recordPath(folder)}.new`, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(`${recordPath(folder)}.new`, recordPath(folder));
}

export async function touchEnvironment(folder: EnvironmentFolder, now: Date): Promise<void> {
  await utimes(recordPath(folder), now, now);
}

/** The names of all folders, whole or not. */
export async function environmentNames(dataDir: string): Promise<readonly string[]> {
  const names = await readdir(environmentsFolder(dataDir)).catch(() => []);
  return names.filter((name) => !name.startsWith("."));
}

/** Bytes on disk. What changes meanwhile is counted as it is met. */
export async function sizeOf(path: string): Promise<number> {
  const { stdout } = await run("du", ["-sk", "--", path]).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? "",
  }));
  return (Number.parseInt(stdout, 10) || 0) * 1024;
}

function recordPath(folder: EnvironmentFolder): string {
  return join(folder.root, "environment.json");
}
