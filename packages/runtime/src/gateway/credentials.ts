import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { Credentials } from "./port.ts";

const DEFAULT_BASE_URL = "https://api.anthropic.com";

/**
 * Credentials from `ANTHROPIC_API_KEY` or `ANTHROPIC_AUTH_TOKEN`, and `ANTHROPIC_BASE_URL`. The variables are read now (a
 * base URL that is none throws `invalid_configuration`); that no credential is set is said by the first request, so that a server without a model can start.
 */
export function credentialsFromEnvironment(env: Readonly<Record<string, string | undefined>>): Credentials {
  const apiKey = nonEmpty(env["ANTHROPIC_API_KEY"]);
  const authToken = nonEmpty(env["ANTHROPIC_AUTH_TOKEN"]);
  const baseUrl = nonEmpty(env["ANTHROPIC_BASE_URL"]) ?? DEFAULT_BASE_URL;
  if (!URL.canParse(baseUrl) || !/^https?:/.test(baseUrl)) {
    throw new RuntimeError(
      "invalid_configuration",
      "ANTHROPIC_BASE_URL must be a URL that begins with http:// or https://.",
      {
        field: "ANTHROPIC_BASE_URL",
      },
    );
  }
  return () => {
    if (authToken !== undefined) return { baseUrl, authToken };
    if (apiKey !== undefined) return { baseUrl, apiKey };
    throw new RuntimeError(
      "model_auth_failed",
      "There is no credential for the model: set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN where the server runs.",
    );
  };
}

function nonEmpty(value: string | undefined): string | undefined {
  const text = value?.trim();
  return text === "" ? undefined : text;
}
