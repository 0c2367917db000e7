import type { SessionKey } from "@hhopkins/agent-runtime-protocol";
import type { Sandbox } from "../sandbox/port.ts";

/** Where the model is, and what opens it. Either `apiKey` or `authToken`. */
export interface ModelCredential {
  /** Base URL of the model's API, e.g. `https://api.anthropic.com`. */
  readonly baseUrl: string;
  /** Sent as `x-api-key`. */
  readonly apiKey?: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly authToken?: string;
  /** Headers that every request gets. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The credential of a session, asked for at each request. Throws `model_auth_failed` where there is none. */
export type Credentials = (session: SessionKey) => Promise<ModelCredential> | ModelCredential;

/** Whose stream it is: the sandbox of this generation of this session, which must show this token. */
export interface GatewayIdentity {
  readonly session: SessionKey;
  readonly generation: number;
  readonly token: string;
}

/** PORT: lets sandboxes reach the model, with a credential that stays outside of them. */
export interface ModelGateway {
  /** Throws `unavailable`, with the remedy, where what it needs is not there. Once, before anything else. */
  open?(): Promise<void>;
  /** Serves the sandbox's channel `gateway`, until closed or longer: what of it streams need not end with this server. */
  serve(sandbox: Pick<Sandbox, "accept" | "sockets">, identity: GatewayIdentity): Promise<{ close(): Promise<void> }>;
  /** Ends every stream and the connections to the model. */
  close(): Promise<void>;
}
