import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { apiKeyAuthenticate } from "./api-key.ts";
import { requestKey } from "./credentials.ts";
import { DEFAULT_TENANT, type Authenticate, type Principal } from "./principal.ts";
import type { Tokens } from "./tokens.ts";

export interface AuthenticationOptions {
  readonly apiKey?: string | undefined;
  /** Overrides `apiKey`. */
  readonly authenticate?: Authenticate | undefined;
  /** `"none"`: everybody may do everything. */
  readonly auth?: "none" | undefined;
  /** Tried before all of the above, where there is any of it. */
  readonly tokens?: Pick<Tokens, "verify">;
  /** Told once, at the first request that is refused because nothing of the above was given. */
  readonly onUnprotected?: (message: string) => void;
}

export const ANYBODY: Principal = { id: "anybody", tenant: DEFAULT_TENANT };

const REMEDY =
  'Every request is refused because this server has no key: give createRestServer an apiKey, give createAgentRuntime an authenticate function, or say auth: "none".';

/** The one function that tells who asks. Without a key, a function or `auth: "none"` it refuses everything (403). */
export function createAuthenticate(options: AuthenticationOptions): Authenticate {
  const known = lastingAuthenticate(options);
  if (known === undefined) return refuseAll(options.onUnprotected);
  const { tokens } = options;
  if (tokens === undefined) return known;
  return async (request) => {
    const bearer = requestKey(request.headers);
    const holder = bearer === null ? null : await tokens.verify(bearer, { renews: asksForToken(request) });
    return holder ?? known(request);
  };
}

function asksForToken({ method, url }: Request): boolean {
  return method === "POST" && /^(?:\/v1)?\/tokens$/.test(new URL(url).pathname);
}

/** Who knows what does not end; undefined: nothing was given. */
function lastingAuthenticate({ authenticate, apiKey, auth }: AuthenticationOptions): Authenticate | undefined {
  if (authenticate !== undefined) return authenticate;
  if (apiKey !== undefined && apiKey !== "") return apiKeyAuthenticate(apiKey);
  return auth === "none" ? () => ANYBODY : undefined;
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
    throw new RuntimeError(
      "unauthorized",
      "Give the key, or a token, as Authorization: Bearer KEY or as x-api-key: KEY.",
    );
  }
  return principal;
}
