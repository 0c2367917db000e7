import {
  RuntimeError,
  TOKEN_LIMITS,
  TokenRight,
  type CreateTokenAnswer,
  type CreateTokenBody,
} from "@hhopkins/agent-runtime-protocol";
import { decodeJwt, errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import type { Principal } from "./principal.ts";

const ISSUER = "agent-runtime";
const ALGORITHM = "HS256";

/** What a token says besides whom it is of, for whom and from when to when. Times are in seconds, as in every JWT. */
const Claims = z.object({
  sub: z.string(),
  exp: z.number().int(),
  tenant: z.string(),
  rights: z.array(TokenRight),
  sessionId: z.string().optional(),
  renewableUntil: z.number().int().optional(),
});

export interface TokenParts {
  readonly secret: () => Promise<Uint8Array>;
  /** Which deployment's tokens they are; others are refused. */
  readonly audience: string;
  readonly now: () => Date;
  /** Rejects with `session_not_found`. */
  readonly assertSession: (session: { tenant: string; sessionId: string }) => Promise<unknown>;
}

/** Short-lived bearers that carry who asked for them, with at most what those may do. */
export interface Tokens {
  /** Rejects with `forbidden` where the principal lacks what the token is to have, and with `session_not_found`. */
  create(principal: Principal, body: CreateTokenBody): Promise<CreateTokenAnswer>;
  /**
   * Whose a bearer is; null: no token of an Agent Runtime. Rejects with `token_expired`, `unauthorized`. To get another
   * (`renews`) it is good until its `renewableUntil`: a page that slept comes back without its user.
   */
  verify(bearer: string, options?: { readonly renews?: boolean }): Promise<Principal | null>;
}

export function createTokens({ secret, audience, now, assertSession }: TokenParts): Tokens {
  return {
    async create(principal, body) {
      const granted = grant(principal, body);
      const { sessionId } = body;
      if (sessionId !== undefined) await assertSession({ tenant: principal.tenant, sessionId });
      const { expires, renewable } = lifetime(principal, body, now().getTime());
      const token = await new SignJWT({
        tenant: principal.tenant,
        ...granted,
        ...(renewable === undefined ? {} : { renewableUntil: renewable }),
      })
        .setProtectedHeader({ alg: ALGORITHM, typ: "JWT" })
        .setIssuer(ISSUER)
        .setAudience(audience)
        .setSubject(principal.id)
        .setIssuedAt(now())
        .setExpirationTime(expires)
        .sign(await secret());
      return {
        token,
        expiresAt: timestamp(expires),
        ...(renewable === undefined ? {} : { renewableUntil: timestamp(renewable) }),
        ...granted,
      };
    },
    async verify(bearer, { renews = false } = {}) {
      if (!isOurs(bearer)) return null;
      const claims = await claimsOf(bearer, await secret(), audience);
      const end = renews ? Math.max(claims.exp, claims.renewableUntil ?? 0) : claims.exp;
      if (end * 1000 <= now().getTime())
        throw new RuntimeError("token_expired", "The token has expired: get a new one from who gave it.");
      return principalOf(claims);
    },
  };
}

/** What nobody has signed yet says only whom to ask: other bearers are for `authenticate`. */
function isOurs(bearer: string): boolean {
  try {
    return decodeJwt(bearer).iss === ISSUER;
  } catch {
    return false;
  }
}

type Claims = z.infer<typeof Claims>;

/** What a genuine token says, whatever the time. */
async function claimsOf(bearer: string, secret: Uint8Array, audience: string): Promise<Claims> {
  try {
    // When it ends is looked at elsewhere.
    const options = { algorithms: [ALGORITHM], issuer: ISSUER, audience, currentDate: new Date(0) };
    return Claims.parse((await jwtVerify(bearer, secret, options)).payload);
  } catch (cause) {
    if (!(cause instanceof errors.JOSEError || cause instanceof z.ZodError)) throw cause;
    const message = "The token is not this server's, or its key has changed since: get a new one from who gave it.";
    throw new RuntimeError("unauthorized", message, { cause });
  }
}

function principalOf({ sub, tenant, rights, sessionId, exp, renewableUntil }: Claims): Principal {
  return {
    id: sub,
    tenant,
    rights,
    ...(sessionId === undefined ? {} : { sessionId }),
    expiresAt: exp * 1000,
    ...(renewableUntil === undefined ? {} : { renewableUntil: renewableUntil * 1000 }),
  };
}

function grant(principal: Principal, body: CreateTokenBody): Pick<CreateTokenAnswer, "rights" | "sessionId"> {
  const own = principal.rights ?? TokenRight.options;
  const lacking = (body.rights ?? []).find((right) => !own.includes(right));
  if (lacking !== undefined)
    throw new RuntimeError("forbidden", `body.rights: who asks lacks the right ${lacking}.`, { field: "body.rights" });
  const { sessionId = principal.sessionId } = body;
  if (principal.sessionId !== undefined && sessionId !== principal.sessionId) {
    const message = `body.sessionId: who asks may touch session ${principal.sessionId} only.`;
    throw new RuntimeError("forbidden", message, { field: "body.sessionId" });
  }
  const rights = TokenRight.options.filter((right) => (body.rights ?? own).includes(right));
  return { rights, ...(sessionId === undefined ? {} : { sessionId }) };
}

/** In seconds since 1970; never beyond what the principal's own end allows. */
function lifetime(principal: Principal, body: CreateTokenBody, now: number): { expires: number; renewable?: number } {
  const { expiresInMs = TOKEN_LIMITS.defaultExpiresInMs, renewForMs } = body;
  const end = principal.expiresAt === undefined ? Infinity : (principal.renewableUntil ?? principal.expiresAt);
  const until = (ms: number): number => Math.min(Math.ceil((now + ms) / 1000), Math.floor(end / 1000));
  const expires = until(expiresInMs);
  const renewable = renewForMs === undefined ? 0 : until(renewForMs);
  return renewable > expires ? { expires, renewable } : { expires };
}

function timestamp(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
