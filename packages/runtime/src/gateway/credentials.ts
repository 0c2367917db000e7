import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Credentials, Secrets } from "./port.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_BASE_URL = "https://api.anthropic.com";

/**
 * Credentials from `ANTHROPIC_API_KEY` or `ANTHROPIC_AUTH_TOKEN`, or from the file that `…_FILE` names, and
 * `ANTHROPIC_BASE_URL`. Variables are read now (a base URL that is none, or a file that cannot be read, throws
 * `invalid_configuration`), a file again at each request, so that a new key counts at once. That no credential is set is
 * said by the first request, so that a server without a model can start.
 */
export function credentialsFromEnvironment(env: Environment): Credentials {
  const baseUrl = nonEmpty(env["ANTHROPIC_BASE_URL"]) ?? DEFAULT_BASE_URL;
  if (!URL.canParse(baseUrl) || !/^https?:/.test(baseUrl))
    throw invalid("ANTHROPIC_BASE_URL", "must be a URL that begins with http:// or https://");
  const authToken = sourceOf(env, "ANTHROPIC_AUTH_TOKEN");
  const apiKey = sourceOf(env, "ANTHROPIC_API_KEY");
  return async () => {
    const token = await authToken?.();
    if (token !== undefined) return { baseUrl, authToken: token };
    const key = await apiKey?.();
    if (key !== undefined) return { baseUrl, apiKey: key };
    throw new RuntimeError(
      "model_auth_failed",
      "There is no credential for the model: set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN where the server runs.",
    );
  };
}

/** Secret `NAME` is what `AGENT_RUNTIME_SECRET_NAME` holds, and nothing else of the environment is one. */
export function secretsFromEnvironment(env: Environment): Secrets {
  return (_session, name) => nonEmpty(env[`AGENT_RUNTIME_SECRET_${name}`]);
}

function sourceOf(env: Environment, name: string): (() => string | Promise<string | undefined>) | undefined {
  const value = nonEmpty(env[name]);
  if (value !== undefined) return () => value;
  const path = nonEmpty(env[`${name}_FILE`]);
  if (path === undefined) return undefined;
  try {
    readFileSync(path);
  } catch (cause) {
    throw invalid(`${name}_FILE`, `names ${path}, which cannot be read: ${String(cause)}`);
  }
  return async () => nonEmpty(await readFile(path, "utf8"));
}

function invalid(field: string, problem: string): RuntimeError {
  return new RuntimeError("invalid_configuration", `${field} ${problem}.`, { field });
}

function nonEmpty(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === "" ? undefined : text;
}
