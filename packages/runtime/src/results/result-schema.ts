/**
 * Results of turns against the schemas that their messages came with. A schema is a client's, a result is an agent's:
 * neither may hold up this process for long.
 */
import { RESULT_LIMITS, RuntimeError, type ResultSchema } from "@hhopkins/agent-runtime-protocol";
import { Ajv, type ErrorObject } from "ajv";
import { createContext, runInContext } from "node:vm";

/** To compile a schema: its size is bounded, so this is for a machine that has much else to do. */
const COMPILE_MS = 10_000;
/** To hold a result against it. A pattern can be made to match for ever. */
const CHECK_MS = 2_000;

const MESSAGE = "is not JSON Schema of draft 7";
const REMOTE = /^(?!#)/;

/** Throws `invalid_request` where it is not JSON Schema of draft 7, and names the place. `field`: where it stands. */
export function assertResultSchema(schema: ResultSchema, field: string): void {
  const ajv = newAjv();
  const refused = (at: string, why: string): RuntimeError =>
    new RuntimeError("invalid_request", `${field}${at}: ${why}`, { field: `${field}${at}` });
  if (schema["$async"] !== undefined) throw refused(".$async", "results are checked at once");
  const plain = withoutDialect(schema);
  const reference = remoteReference(plain);
  if (reference !== null) throw refused(reference, 'must begin with "#": nothing is fetched');
  const late = refused("", "takes too long to be checked; make it simpler");
  const isSchema = bounded(() => ajv.validateSchema(plain), { ms: COMPILE_MS, late });
  if (isSchema !== true) throw refused(...placeOf(ajv.errors?.[0]));
  try {
    bounded(() => ajv.compile(plain), { ms: COMPILE_MS, late });
  } catch (error) {
    if (error === late) throw late;
    throw refused("", `${MESSAGE}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Where and why a result does not fit, or null. */
export function resultProblem(schema: ResultSchema, result: unknown): string | null {
  if (result === undefined) return "there is none";
  if (JSON.stringify(result).length > RESULT_LIMITS.result)
    return `it has more than ${RESULT_LIMITS.result} characters as JSON`;
  const late = new RuntimeError("invalid_request", "it takes too long to be checked");
  try {
    const validate = bounded(() => newAjv().compile(withoutDialect(schema)), { ms: COMPILE_MS, late });
    if (bounded(() => validate(result), { ms: CHECK_MS, late })) return null;
    const [error] = validate.errors ?? [];
    return `${error?.instancePath === "" ? "/" : error?.instancePath}: ${error?.message}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Like the harness's own: what it would refuse at its start is refused here, where the client still listens. */
function newAjv(): Ajv {
  return new Ajv({ strict: true, strictTypes: false, strictTuples: false, validateFormats: false, logger: false });
}

/** The dialect of what common libraries make is the newest one by name, whatever of it is used. */
function withoutDialect({ $schema: _dialect, ...schema }: ResultSchema): ResultSchema {
  return schema;
}

function placeOf(error: ErrorObject | undefined): [at: string, why: string] {
  return [(error?.instancePath ?? "").replaceAll("/", "."), error?.message ?? MESSAGE];
}

function remoteReference(value: unknown, at = ""): string | null {
  if (typeof value !== "object" || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "$ref" && typeof inner === "string" && REMOTE.test(inner)) return `${at}.$ref`;
    const found = remoteReference(inner, `${at}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** What `work` returns; throws `late` when it runs for longer than `ms`. */
function bounded<T>(work: () => T, { ms, late }: { ms: number; late: RuntimeError }): T {
  try {
    return runInContext("work()", createContext({ work }), { timeout: ms }) as T;
  } catch (error) {
    // It is of the other context, and no `Error` of this one.
    const { code } = error as { code?: unknown };
    throw code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? late : error;
  }
}
