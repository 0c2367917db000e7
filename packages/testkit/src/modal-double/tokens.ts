import { randomUUID } from "node:crypto";
import { type ServerMiddleware, Status } from "nice-grpc";
import { refuse } from "./sdk.ts";

export interface Credentials {
  readonly tokenId: string;
  readonly tokenSecret: string;
}

export const CONTROL_PLANE = "/modal.client.ModalClient/";

/** Who may call: the token pair for the control plane, short-lived tokens for each call and for each sandbox's router. */
export class Tokens {
  readonly #credentials: Credentials;
  readonly #given = new Map<string, { readonly subject: string; readonly expires: number }>();
  revoked = false;
  lifetimeSeconds = 3600;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** For one subject: the control plane, or a task. With the claims that the SDK reads; the double knows what it gave. */
  give(subject: string): string {
    const expires = Date.now() + this.lifetimeSeconds * 1000;
    const claims = { jti: randomUUID(), exp: Math.floor(expires / 1000) };
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64");
    const token = [part({ alg: "none" }), part(claims), "double"].join(".").replaceAll("=", "");
    this.#given.set(token, { subject, expires });
    return token;
  }

  checkCredentials({ tokenId, tokenSecret }: { tokenId: string | undefined; tokenSecret: string | undefined }): void {
    const { tokenId: id, tokenSecret: secret } = this.#credentials;
    if (tokenId === id && tokenSecret === secret && !this.revoked) return;
    throw refuse(Status.UNAUTHENTICATED, "Token validation failed");
  }

  /** Any task's token will do where the subject is not known yet. */
  check(token: string | undefined, subject: string | undefined): void {
    const given = token === undefined ? undefined : this.#given.get(token);
    if (given === undefined || (subject !== undefined && given.subject !== subject)) {
      throw refuse(Status.UNAUTHENTICATED, "Invalid auth token");
    }
    if (given.expires < Date.now()) throw refuse(Status.UNAUTHENTICATED, "Auth token has expired");
  }
}

export function tokenMiddleware(tokens: Tokens): ServerMiddleware {
  return async function* (call, context) {
    const { metadata } = context;
    if (call.method.path.startsWith(CONTROL_PLANE)) {
      tokens.checkCredentials({
        tokenId: metadata.get("x-modal-token-id"),
        tokenSecret: metadata.get("x-modal-token-secret"),
      });
      if (call.method.path !== `${CONTROL_PLANE}AuthTokenGet`) {
        tokens.check(metadata.get("x-modal-auth-token"), CONTROL_PLANE);
      }
    } else {
      const { taskId } = call.request as { taskId?: string };
      tokens.check(metadata.get("authorization")?.replace(/^Bearer /u, ""), taskId);
    }
    return yield* call.next(call.request, context);
  };
}
