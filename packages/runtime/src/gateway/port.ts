import type { Duplex } from "node:stream";
import type { SessionKey } from "@hhopkins/agent-runtime-protocol";

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
  /** Serves HTTP on a stream that a sandbox has opened, until either side ends it. */
  handle(stream: Duplex, identity: GatewayIdentity): void;
  /** Ends every stream and the connections to the model. */
  close(): Promise<void>;
}
