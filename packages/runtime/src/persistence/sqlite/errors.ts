import { RuntimeError, type ErrorCode } from "@hhopkins/agent-runtime-protocol";

/** What SQLite, or the system where a folder is made, says, by the beginning of its code, and what can be done about it. */
const REMEDIES: readonly (readonly [prefix: string, remedy: string])[] = [
  ["SQLITE_FULL", "the disk is full: free some space"],
  ["SQLITE_READONLY", "the database is read-only: make the file and its folder writable for this user"],
  ["SQLITE_CANTOPEN", "the database cannot be opened: its folder must exist and be writable for this user"],
  ["SQLITE_PERM", "access was refused: make the file and its folder writable for this user"],
  ["SQLITE_AUTH", "access was refused: make the file and its folder writable for this user"],
  ["SQLITE_NOTADB", "the file is no SQLite database: move it away, or name another one"],
  ["SQLITE_CORRUPT", "the database is damaged: move it away and put back a backup"],
  ["SQLITE_BUSY", "another process holds the database: end it, or name another file"],
  ["SQLITE_LOCKED", "another connection holds the database: end it, or name another file"],
  ["SQLITE_IOERR", "the disk reported an error: look into the system's log"],
  ["EACCES", "its folder cannot be made: make the folder above it writable for this user"],
  ["EPERM", "its folder cannot be made: make the folder above it writable for this user"],
  ["EROFS", "its folder lies on a read-only file system: name another one"],
  ["ENOSPC", "the disk is full: free some space"],
  ["ENOTDIR", "its folder cannot be made: a part of the path is a file"],
  ["EEXIST", "its folder cannot be made: a part of the path is a file"],
  ["ENOENT", "its folder cannot be made there: name another one"],
  ["SQLITE_TOOBIG", "a value is larger than SQLite takes"],
];

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

export function isDuplicateKey(error: unknown): boolean {
  return /^SQLITE_CONSTRAINT_(PRIMARYKEY|UNIQUE)$/.test(codeOf(error));
}

/** An error of the driver, with its remedy; a `RuntimeError` stays what it is. */
export function sqliteError(error: unknown, file: string, code: ErrorCode = "persistence_unavailable"): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const reason = codeOf(error);
  const remedy = REMEDIES.find(([prefix]) => reason.startsWith(prefix))?.[1];
  const text = error instanceof Error ? error.message : String(error);
  const message = remedy === undefined ? `${file}: ${text}` : `${file}: ${remedy} (${reason}: ${text})`;
  return new RuntimeError(code, message, { cause: error });
}
