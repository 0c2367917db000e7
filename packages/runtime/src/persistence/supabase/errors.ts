import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { SupabaseFailure } from "./client.ts";

/** How the tables and functions come into a project. */
export const INSTALL = "run `npx agent-runtime supabase-migrations supabase/migrations`, then `npx supabase db push`";

/** What can be done, and the option that it is about, where it is one. */
interface Remedy {
  readonly text: string;
  readonly field?: "url" | "key" | "schema";
}

const WRONG_KEY: Remedy = {
  field: "key",
  text: "it is refused: give the project's secret (service) key, as its API settings show it",
};
const NO_RIGHT: Remedy = {
  field: "key",
  text: "it has not the right: give the project's secret (service) key, or a token of the role `authenticated` with the claim `tenant`, and cluster: false",
};
const NO_PROJECT: Remedy = {
  field: "url",
  text: "there is no Supabase project there: give its address as its API settings show it",
};
const NO_DATABASE: Remedy = {
  text: "the project's database does not answer: see whether it is paused, or being restarted",
};
const BUSY: Remedy = {
  text: "the project's database has no free connection: make its pool larger, or ask it less",
};
const NO_FUNCTIONS: Remedy = { text: `the tables and functions are not there, or are others: ${INSTALL}` };

/** By what PostgREST (PGRST…) and PostgreSQL say. */
const BY_CODE: Readonly<Record<string, Remedy>> = {
  PGRST000: NO_DATABASE,
  PGRST001: NO_DATABASE,
  PGRST002: NO_DATABASE,
  PGRST003: BUSY,
  PGRST106: {
    field: "schema",
    text: "it is not exposed: add it to the exposed schemas in the project's API settings, or leave the option away",
  },
  PGRST125: NO_PROJECT,
  PGRST202: NO_FUNCTIONS,
  PGRST205: NO_FUNCTIONS,
  PGRST301: WRONG_KEY,
  PGRST302: WRONG_KEY,
  PGRST303: { field: "key", text: "the token is not valid any more: give a new one" },
  "25006": { text: "the project's database is read-only: it is full, or was made so: see its settings" },
  "42501": NO_RIGHT,
  "42P01": NO_FUNCTIONS,
  "42883": NO_FUNCTIONS,
  "53100": { text: "the project's disk is full: free some space, or make it larger" },
  "53300": BUSY,
  "57014": { text: "the database took too long and gave up: it is overloaded, or its statement_timeout is too short" },
};

/** By the status of an answer that says no more; 0: there was none. */
const BY_STATUS: Readonly<Record<number, Remedy>> = {
  0: { text: "nobody answers there: see whether the address is the project's, and whether the network is up" },
  401: WRONG_KEY,
  403: NO_RIGHT,
  404: NO_PROJECT,
  413: { text: "one write is larger than the project's API takes" },
  502: NO_DATABASE,
  503: NO_DATABASE,
  504: NO_DATABASE,
  540: NO_DATABASE,
};

/** An error of a call, with its remedy; a `RuntimeError` stays what it is. */
export function supabaseError(error: unknown, where: string): RuntimeError {
  if (!(error instanceof SupabaseFailure)) return toRuntimeError(error, "persistence_unavailable");
  const { text, field } = remedyOf(error) ?? {};
  const { code, details, message } = error.problem;
  const said = [code, message, details].filter((part) => part !== undefined && part !== null && part !== "");
  const cause = said.join(": ").slice(0, 500);
  const named = field === undefined ? where : `${where}: ${field}`;
  return new RuntimeError(
    "persistence_unavailable",
    text === undefined ? `${named}: ${cause}` : `${named}: ${text} (${cause})`,
    { cause: error, ...(field === undefined ? {} : { field }) },
  );
}

/** The same of what fails at the start: where it is the configuration, or the tables, it says so by its code. */
export function openingError(error: unknown, where: string): RuntimeError {
  const explained = supabaseError(error, where);
  if (!(error instanceof SupabaseFailure)) return explained;
  const { message, field } = explained;
  if (field !== undefined) return new RuntimeError("invalid_configuration", message, { cause: error, field });
  if (remedyOf(error) === NO_FUNCTIONS) return new RuntimeError("data_dir_unusable", message, { cause: error });
  return explained;
}

function remedyOf({ status, problem }: SupabaseFailure): Remedy | undefined {
  return BY_CODE[problem.code ?? ""] ?? BY_STATUS[status];
}

/** The database said no, or never saw the call: so nothing of it was written. */
export function wroteNothing(error: unknown): boolean {
  return error instanceof SupabaseFailure && (error.status === 413 || /^[0-9A-Z]{5}$/.test(error.problem.code ?? ""));
}
