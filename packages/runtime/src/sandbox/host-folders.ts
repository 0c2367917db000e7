import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { makeExecFifo } from "./exec-start.ts";

const run = promisify(execFile);

/** Folders of one sandbox of this host, all inside `root`. */
export interface SandboxFolders {
  readonly root: string;
  /** The three that the sandbox writes: the server never opens a path inside them. */
  readonly workspace: string;
  readonly home: string;
  readonly state: string;
  /** The server's own: read-only in the sandbox, or not there at all. */
  readonly etc: string;
  readonly packages: string;
  readonly log: string;
}

const ENDED = ".ended-";
/** Longest path of a unix socket (`sun_path` less its NUL), on Linux; other systems have a few bytes less. */
const MAX_SOCKET_PATH = 103;
const LONGEST_SOCKET_NAME = "gateway.sock.00000000";

export function sandboxesFolder(dataDir: string): string {
  return join(dataDir, "sandboxes");
}

export function foldersOf(dataDir: string, key: string): SandboxFolders {
  const root = join(sandboxesFolder(dataDir), key);
  return {
    root,
    workspace: join(root, "workspace"),
    home: join(root, "home"),
    state: join(root, "state"),
    etc: join(root, "etc"),
    packages: join(root, "packages"),
    log: join(root, "log"),
  };
}

export async function makeFolders(folders: SandboxFolders): Promise<void> {
  await mkdir(folders.root, { recursive: true, mode: 0o700 });
  await chmod(folders.root, 0o700);
  for (const path of [folders.workspace, folders.home, folders.state, folders.etc, folders.packages, folders.log]) {
    await mkdir(path, { recursive: true, mode: 0o755 });
  }
}

/** A short private folder for the sandbox's sockets; the data directory's path may be too long for a socket. */
export async function makeSocketFolder(base: string = tmpdir()): Promise<string> {
  if (Buffer.byteLength(join(base, "agent-XXXXXX", LONGEST_SOCKET_NAME)) > MAX_SOCKET_PATH) {
    throw new RuntimeError(
      "sandbox_unavailable",
      `The folder for sockets has too long a path: ${base}. Set TMPDIR to a folder with a shorter one.`,
    );
  }
  const folder = await mkdtemp(join(base, "agent-"));
  await makeExecFifo(folder);
  return folder;
}

/** Names of the sandboxes that have a folder here. */
export async function sandboxKeys(dataDir: string): Promise<readonly string[]> {
  const names = await namesIn(sandboxesFolder(dataDir));
  return names.filter((name) => !name.startsWith("."));
}

/** Removes a sandbox's folders. Its name is free at once; a removal that was cut off is finished by `sweepEnded`. */
export async function removeFolders(dataDir: string, key: string): Promise<void> {
  const ended = join(sandboxesFolder(dataDir), `${ENDED}${key}-${randomUUID()}`);
  try {
    await rename(foldersOf(dataDir, key).root, ended);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await removeTree(ended);
}

/** Finishes removals that a crash cut off. */
export async function sweepEnded(dataDir: string): Promise<void> {
  const folder = sandboxesFolder(dataDir);
  for (const name of await namesIn(folder)) {
    if (name.startsWith(ENDED)) await removeTree(join(folder, name));
  }
}

/**
 * Removes what an agent has left. `rm` and not Node's: paths inside may be longer than the system's limit, and
 * folders may be closed to their owner.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await run("rm", ["-rf", "--", path]);
  } catch {
    await run("chmod", ["-R", "u+rwx", "--", path]).catch(() => undefined);
    await run("rm", ["-rf", "--", path]);
  }
}

/** Removes the folder of the sockets; only ours are in it. */
export async function removeSocketFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
