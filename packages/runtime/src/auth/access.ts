import { createAuthenticate, type AuthenticationOptions } from "./authentication.ts";
import type { Authenticate } from "./principal.ts";
import { tokenSecret, type TokenSecretSources } from "./token-secret.ts";
import { createTokens, type TokenParts, type Tokens } from "./tokens.ts";

export interface AccessOptions
  extends
    Omit<AuthenticationOptions, "apiKey" | "tokens">,
    Omit<TokenSecretSources, "apiKey">,
    Omit<TokenParts, "secret"> {}

/** Who may come in, and the tokens that they may give away. */
export interface Access {
  readonly authenticate: Authenticate;
  readonly tokens: Pick<Tokens, "create">;
  /** From now on this is the key; tokens of the one before are refused. */
  useKey(apiKey: string): void;
}

export function createAccess(options: AccessOptions): Access {
  const by = (apiKey?: string) => {
    const tokens = createTokens({ ...options, secret: tokenSecret({ ...options, apiKey }) });
    return { tokens, authenticate: createAuthenticate({ ...options, apiKey, tokens }) };
  };
  let current = by();
  return {
    // Looked up at each request: the WebSocket server may be created before the REST server that brings the key.
    authenticate: (request) => current.authenticate(request),
    tokens: { create: (principal, body) => current.tokens.create(principal, body) },
    useKey(apiKey) {
      current = by(apiKey);
    },
  };
}
