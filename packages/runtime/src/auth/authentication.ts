import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { apiKeyAuthenticate } from "./api-key.ts";
import { DEFAULT_TENANT, type Authenticate, type Principal } from "./principal.ts";

export interface AuthenticationOptions {
  readonly apiKey?: string | undefined;
  /** Overrides `apiKey`. */
  readonly authenticate?: Authenticate | undefined;
  /** `"none"`: everybody may do everything. */
  readonly auth?: "none" | undefined;
  /** Told once, at the first request that is refused because nothing of the above was given. */
  readonly onUnprotected?: (message: string) => void;
}

export const ANYBODY: Principal = { id: "anybody", tenant: DEFAULT_TENANT };

const REMEDY =
  'Every request is refused because this server has no key: give createRestServer an apiKey, give createAgentRuntime an authenticate function, or say auth: "none".';

/** The one function that tells who asks. Without a key, a function or `auth: "none"` it refuses everything (403). */
export function createAuthenticate(options: AuthenticationOptions): Authenticate {
  if (options.authenticate !== undefined) return options.authenticate;
  if (options.apiKey !== undefined && options.apiKey !== "") return apiKeyAuthenticate(options.apiKey);
  if (options.auth === "none") return () => ANYBODY;
  return refuseAll(options.onUnprotected);
}

function refuseAll(tell: AuthenticationOptions["onUnprotected"]): Authenticate {
  let told = false;
  return () => {
    if (!told) tell?.(REMEDY);
    told = true;
    throw new RuntimeError("forbidden", "This server has no key configured; its operator finds the remedy in its log.");
  };
}

/** Who asks, or `unauthorized`. */
export async function authenticated(authenticate: Authenticate, request: Request): Promise<Principal> {
  const principal = await authenticate(request);
  if (principal === null) {
    throw new RuntimeError("unauthorized", "Give the key as Authorization: Bearer KEY or as x-api-key: KEY.");
  }
  return principal;
}
