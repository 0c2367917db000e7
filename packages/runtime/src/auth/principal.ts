import type { TokenRight } from "@hhopkins/agent-runtime-protocol";

/** Who asks. Every lookup is scoped by `tenant`; `default` where nobody says otherwise. */
export interface Principal {
  readonly id: string;
  readonly tenant: string;
  /** What they may do; absent: everything. */
  readonly rights?: readonly TokenRight[];
  /** The only session that they may touch; absent: every one of their tenant. */
  readonly sessionId?: string;
  /** In milliseconds since 1970: streams and connections end then. Absent: for ever. */
  readonly expiresAt?: number;
  /** In milliseconds since 1970: so long may tokens live that one with `expiresAt` asks for; absent: until `expiresAt`. */
  readonly renewableUntil?: number;
}

export const DEFAULT_TENANT = "default";

/** Tells who asks; null: nobody that is known (401). A `RuntimeError` thrown inside is answered as it is. */
export type Authenticate = (request: Request) => Principal | null | Promise<Principal | null>;
