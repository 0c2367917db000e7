import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import Database from "better-sqlite3";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The locks of this process: one that nobody referred to would be collected, and the lock with it. */
const locks = new Set<Database.Database>();

/** A data directory that belongs to this process until `release()`. */
export interface DataDir {
  readonly path: string;
  release(): void;
}

export interface TakeOptions {
  /** One server and one gateway can have it at a time. */
  readonly as?: "server" | "gateway";
  readonly now?: () => Date;
}

/**
 * Makes the directory (mode 0700) where it is missing and takes it for this process. Throws `data_dir_unusable` where
 * it cannot be written, or where another server has it.
 */
export function takeDataDir(dataDir: string, { as = "server", now = () => new Date() }: TakeOptions = {}): DataDir {
  const path = resolve(dataDir);
  const note = join(path, `${as}.json`);
  try {
    makeFolders(path);
  } catch (cause) {
    throw unusable(path, cause);
  }
  const lock = lockDataDir(path, as);
  try {
    writeFileSync(note, `${JSON.stringify({ pid: process.pid, startedAt: now().toISOString() })}\n`, { mode: 0o600 });
  } catch (cause) {
    lock.close();
    throw unusable(path, cause);
  }
  locks.add(lock);
  return {
    path,
    release() {
      rmSync(note, { force: true });
      lock.close();
      locks.delete(lock);
    },
  };
}

/** Step by step: on a file system that takes no folders (/proc), Node's own `recursive` tries again for ever. */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** The kernel gives the lock back when its process ends, however it ends; so there is nothing stale to judge. */
function lockDataDir(path: string, as: string): Database.Database {
  let lock: Database.Database | undefined;
  try {
    lock = new Database(join(path, `${as}.lock`), { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock?.close();
    if (isBusy(cause)) throw taken(path, as);
    throw unusable(path, cause);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}

function taken(path: string, as: string): RuntimeError {
  let who = `another ${as}`;
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(join(path, `${as}.json`), "utf8")) as {
      pid?: number;
      startedAt?: string;
    };
    who = `another ${as} (process ${pid}, since ${startedAt})`;
  } catch {
    // It has not written its note yet; that it holds the lock is enough.
  }
  return new RuntimeError(
    "data_dir_unusable",
    `The data directory ${path} is in use by ${who}. Stop that one, or choose another with --data-dir.`,
  );
}

function unusable(path: string, cause: unknown): RuntimeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RuntimeError(
    "data_dir_unusable",
    `The data directory ${path} cannot be used: ${reason}. Make it writable for this user, or choose another with --data-dir.`,
    { cause },
  );
}
