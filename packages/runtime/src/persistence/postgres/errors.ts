import { RuntimeError, type ErrorCode } from "@hhopkins/agent-runtime-protocol";

interface Remedy {
  readonly remedy: string;
  /** Where it is the configuration that must change. */
  readonly code?: ErrorCode;
}

const NO_RIGHTS =
  "the user may not do this: grant it the right to create in the database, or have its owner run CREATE SCHEMA … AUTHORIZATION for this user";
const UNREACHABLE =
  "nobody answers there: start PostgreSQL, and check host, port and what lies between (a firewall, listen_addresses)";
const HOST = "there is no host of this name: correct it";
const FULL = "the disk of the database is full: free some space";
const TOO_MANY = "the server has no connection left: raise its max_connections, or lower the option max of every node";
const STARTING = "the server is starting or ending: it is asked again later";
const ACCOUNT = "the user or the password is wrong: correct it, or look into pg_hba.conf";

/** By SQLSTATE, or by the system's code; what can be done about it. */
const REMEDIES: Readonly<Record<string, Remedy>> = {
  "28P01": { remedy: ACCOUNT, code: "invalid_configuration" },
  "28000": { remedy: ACCOUNT, code: "invalid_configuration" },
  "3D000": { remedy: "there is no such database: create it, or name another one", code: "invalid_configuration" },
  "42501": { remedy: NO_RIGHTS, code: "invalid_configuration" },
  "3F000": { remedy: "there is no such schema: start the server again, which creates it" },
  "42P01": { remedy: "a table is missing: put back a backup, or start with an empty schema" },
  "42703": { remedy: "a column is missing: put back a backup, or start with an empty schema" },
  "25006": {
    remedy: "the database is read-only (a standby, or default_transaction_read_only): connect to the primary",
  },
  "25P03": { remedy: "this server said nothing in the middle of a transaction, which was undone: it is made again" },
  "53100": { remedy: FULL },
  "53200": { remedy: "the server is out of memory" },
  "53300": { remedy: TOO_MANY },
  "57014": { remedy: "the statement took longer than statementTimeoutMs, or somebody cancelled it" },
  "57P01": { remedy: "the server ended the connection: it is made again" },
  "57P02": { remedy: "the server ended the connection: it is made again" },
  "57P03": { remedy: STARTING },
  "40P01": { remedy: "two writes waited for each other: it is tried again" },
  ECONNREFUSED: { remedy: UNREACHABLE },
  ETIMEDOUT: { remedy: UNREACHABLE },
  EHOSTUNREACH: { remedy: UNREACHABLE },
  ENETUNREACH: { remedy: UNREACHABLE },
  ENOTFOUND: { remedy: HOST },
  EAI_AGAIN: { remedy: HOST },
  ECONNRESET: { remedy: "the connection was lost: it is made again" },
  EPIPE: { remedy: "the connection was lost: it is made again" },
};

/** What the driver says without a code. */
const TEXTS: readonly (readonly [text: RegExp, remedy: Remedy])[] = [
  [
    /timeout exceeded when trying to connect/,
    { remedy: "no connection of the pool became free in time: raise max, or connectTimeoutMs" },
  ],
  [/due to connection timeout/, { remedy: UNREACHABLE }],
  [
    /Connection terminated|Client has encountered|not queryable/,
    { remedy: "the connection was lost: it is made again" },
  ],
  [/does not support SSL/, { remedy: "the server has no TLS: leave sslmode out", code: "invalid_configuration" }],
  [/no password|password must be a string/i, { remedy: ACCOUNT, code: "invalid_configuration" }],
];

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

export function isDuplicateKey(error: unknown): boolean {
  return codeOf(error) === "23505";
}

/** Rolled back because of others at the same time, and not for what it says. */
export function isTransientError(error: unknown): boolean {
  return ["40P01", "40001"].includes(codeOf(error)) || isOutdatedPlan(error);
}

/** The tables have other columns than when the statement was prepared. */
export function isOutdatedPlan(error: unknown): boolean {
  return codeOf(error) === "0A000" && error instanceof Error && error.message.includes("cached plan");
}

/** Not an answer of the database to a statement, or one with which it ended the connection. */
export function isConnectionLost(error: unknown): boolean {
  return !/^(?!57P|08)[0-9A-Z]{5}$/.test(codeOf(error));
}

/** An error of the driver, with its remedy; `where` has no password. A `RuntimeError` stays what it is. */
export function postgresError(error: unknown, where: string): RuntimeError {
  if (error instanceof RuntimeError) return error;
  // Of a name with several addresses, each of which failed.
  if (error instanceof AggregateError && error.errors.length > 0) return postgresError(error.errors[0], where);
  const reason = codeOf(error);
  const text = error instanceof Error ? error.message : String(error);
  const known = REMEDIES[reason] ?? TEXTS.find(([pattern]) => pattern.test(text))?.[1];
  const code = known?.code ?? "persistence_unavailable";
  const said = reason === "" ? text : `${reason}: ${text}`;
  const message = known === undefined ? `${where}: ${said}` : `${where}: ${known.remedy} (${said})`;
  return new RuntimeError(code, message, { cause: error });
}
