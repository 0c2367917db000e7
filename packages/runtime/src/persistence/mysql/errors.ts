import { RuntimeError, type ErrorCode } from "@hhopkins/agent-runtime-protocol";

interface Remedy {
  readonly remedy: string;
  /** Where it is the configuration that must change. */
  readonly code?: ErrorCode;
}

const UNREACHABLE = {
  remedy:
    "nobody answers there: start the server, and check host, port and what lies between (a firewall, bind-address)",
};
const HOST = { remedy: "there is no host of this name: correct it" };
const ACCOUNT: Remedy = {
  remedy: "the user or the password is wrong, or the user may not come from this machine: correct it, or its grants",
  code: "invalid_configuration",
};
const NO_RIGHTS: Remedy = {
  remedy: "the user may not do this: grant it all privileges on the database",
  code: "invalid_configuration",
};
const READ_ONLY = { remedy: "the database is read-only (a replica, or read_only): connect to the primary" };
const LOST = { remedy: "the connection was lost: it is made again" };
const FULL = { remedy: "the disk of the database is full: free some space" };
const MISSING = { remedy: "a table or column is missing: put back a backup, or start with an empty database" };
const WAITED = { remedy: "two writes waited for each other: it is tried again later" };
const TOO_MANY = {
  remedy: "the server has no connection left: raise its max_connections, or lower the option max of every node",
};
const PACKET = { remedy: "a row is larger than the server takes: raise its max_allowed_packet" };

/** By the name that the driver has for it; what can be done about it. */
const REMEDIES: Readonly<Record<string, Remedy>> = {
  ER_ACCESS_DENIED_ERROR: ACCOUNT,
  ER_ACCESS_DENIED_NO_PASSWORD_ERROR: ACCOUNT,
  ER_HOST_NOT_PRIVILEGED: ACCOUNT,
  ER_DBACCESS_DENIED_ERROR: {
    remedy: "the user may not use this database, or there is none of this name: create it, and grant it to the user",
    code: "invalid_configuration",
  },
  ER_BAD_DB_ERROR: {
    remedy: "there is no such database: create it, or name another one",
    code: "invalid_configuration",
  },
  ER_NO_DB_ERROR: { remedy: "the address names no database: add its name", code: "invalid_configuration" },
  ER_TABLEACCESS_DENIED_ERROR: NO_RIGHTS,
  ER_COLUMNACCESS_DENIED_ERROR: NO_RIGHTS,
  ER_SPECIFIC_ACCESS_DENIED_ERROR: NO_RIGHTS,
  ER_OPTION_PREVENTS_STATEMENT: READ_ONLY,
  ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION: READ_ONLY,
  ER_READ_ONLY_MODE: READ_ONLY,
  ER_INNODB_READ_ONLY: READ_ONLY,
  ER_NO_SUCH_TABLE: MISSING,
  ER_BAD_FIELD_ERROR: MISSING,
  ER_CON_COUNT_ERROR: TOO_MANY,
  ER_TOO_MANY_USER_CONNECTIONS: TOO_MANY,
  ER_USER_LIMIT_REACHED: TOO_MANY,
  ER_DISK_FULL: FULL,
  ER_RECORD_FILE_FULL: FULL,
  ER_NET_PACKET_TOO_LARGE: PACKET,
  ER_LOCK_DEADLOCK: WAITED,
  ER_LOCK_WAIT_TIMEOUT: WAITED,
  ER_CHECKREAD: WAITED,
  ER_SERVER_SHUTDOWN: LOST,
  ER_CONNECTION_KILLED: LOST,
  ER_QUERY_INTERRUPTED: { remedy: "somebody cancelled the statement, or the server's own limit did" },
  PROTOCOL_CONNECTION_LOST: LOST,
  PROTOCOL_SEQUENCE_TIMEOUT: { remedy: "the statement took longer than statementTimeoutMs" },
  POOL_EXHAUSTED: {
    remedy: "no connection of the pool became free in time: raise max, or connectTimeoutMs",
  },
  HANDSHAKE_NO_SSL_SUPPORT: { remedy: "the server has no TLS: leave ssl out", code: "invalid_configuration" },
  ECONNREFUSED: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENOENT: { remedy: "there is no such socket: correct socketPath, or start the server" },
  ENOTFOUND: HOST,
  EAI_AGAIN: HOST,
  ECONNRESET: LOST,
  EPIPE: LOST,
};

/** What the driver says without a code. */
const TEXTS: readonly (readonly [text: RegExp, remedy: Remedy])[] = [
  [/closed state|Connection lost|Pool is closed/, LOST],
];

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

export function isDuplicateKey(error: unknown): boolean {
  return codeOf(error) === "ER_DUP_ENTRY";
}

/** The transaction was rolled back, and would go through if it were done again. */
export function isTransient(error: unknown): boolean {
  return ["ER_LOCK_DEADLOCK", "ER_CHECKREAD"].includes(codeOf(error));
}

/** Not an answer of the database to a statement, or one with which it ended the connection. */
export function isConnectionLost(error: unknown): boolean {
  // Refused before it was sent.
  if (error instanceof RuntimeError) return false;
  const code = codeOf(error);
  return !code.startsWith("ER_") || ["ER_SERVER_SHUTDOWN", "ER_CONNECTION_KILLED"].includes(code);
}

/** An error of the driver, with its remedy; `where` has no password. A `RuntimeError` stays what it is. */
export function mysqlError(error: unknown, where: string): RuntimeError {
  if (error instanceof RuntimeError) return error;
  // Of a name with several addresses, each of which failed.
  if (error instanceof AggregateError && error.errors.length > 0) return mysqlError(error.errors[0], where);
  const reason = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const known = REMEDIES[reason] ?? TEXTS.find(([pattern]) => pattern.test(text))?.[1];
  const code = known?.code ?? "persistence_unavailable";
  const said = reason === "" || text.startsWith(reason) ? text : `${reason}: ${text}`;
  const message = known === undefined ? `${where}: ${said}` : `${where}: ${known.remedy} (${said})`;
  return new RuntimeError(code, message, { cause: error });
}

/** Room for what stands around the values. */
const AROUND = 1024;

/**
 * Why a statement is not sent: the server would end the connection in the middle of it, which looks like any other lost
 * connection. Bytes are sent as hex, and texts with what the driver escapes in them.
 */
export function tooLarge(
  { sql, parameters }: { sql: string; parameters: readonly unknown[] },
  maxPacket: number | undefined,
): RuntimeError | null {
  if (maxPacket === undefined) return null;
  let most = sql.length + AROUND;
  for (const value of parameters) {
    if (typeof value === "string") most += value.length * 3;
    else if (value instanceof Uint8Array) most += value.byteLength * 2;
  }
  if (most < maxPacket) return null;
  const least = sizeOf(parameters) + sql.length + AROUND;
  // Counting takes long, and the transaction is open meanwhile: not where it is clear already.
  const bytes = least < maxPacket ? least + escapesOf(parameters) : least;
  if (bytes < maxPacket) return null;
  const message = `a write of ${bytes} bytes or more is larger than the server takes: raise its max_allowed_packet, which is ${maxPacket}`;
  return new RuntimeError("persistence_unavailable", message);
}

/** Without what is escaped. */
function sizeOf(parameters: readonly unknown[]): number {
  let bytes = 0;
  for (const value of parameters) {
    if (typeof value === "string") bytes += Buffer.byteLength(value) + 2;
    else if (value instanceof Uint8Array) bytes += value.byteLength * 2 + 3;
  }
  return bytes;
}

/** Codes of the characters that are two in a statement: NUL, \b \t \n \r, 26, " ' and \. */
const ESCAPED = new Set([0, 8, 9, 10, 13, 26, 34, 39, 92]);
const HIGHEST = Math.max(...ESCAPED);

function escapesOf(parameters: readonly unknown[]): number {
  let count = 0;
  for (const value of parameters) {
    if (typeof value !== "string") continue;
    // A loop over millions of characters, with a transaction open.
    for (let at = 0; at < value.length; at += 1) {
      const code = value.charCodeAt(at);
      if (code <= HIGHEST && ESCAPED.has(code)) count += 1;
    }
  }
  return count;
}
