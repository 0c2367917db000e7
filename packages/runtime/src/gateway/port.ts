import type { SessionKey, Usage } from "@hhopkins/agent-runtime-protocol";
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

/** The value of a secret that a profile names, asked for at each request; undefined where there is none. */
export type Secrets = (session: SessionKey, name: string) => Promise<string | undefined> | string | undefined;

/** What a sandbox may reach beside the model, all of it through the gateway. */
export interface NetworkRules {
  /** `api.example.com`, `*.example.com`, `*`; port 443, or with one: `example.com:80`, `10.0.0.7:5432`, `example.com:*`. */
  readonly allowedHosts: readonly string[];
}

/** A secret, and the hosts on the way to which the gateway puts it in. */
export interface SecretGrant {
  readonly secret: string;
  readonly hosts: readonly string[];
}

/** What one sandbox may do. */
export interface GatewayRules extends NetworkRules {
  readonly secrets: readonly SecretGrant[];
}

/** Whose stream it is: the sandbox of this generation of this session, which must show this token. */
export interface GatewayIdentity {
  readonly session: SessionKey;
  readonly generation: number;
  readonly token: string;
}

/** What answers of the model say that they cost. */
export interface ModelUse {
  /** How many answers. */
  readonly requests: number;
  readonly usage: Usage;
  readonly model?: string;
}

/** A connection, or a request, to a host that is not the model, or the wish for one. Never what was said. */
export interface EgressRecord {
  readonly host: string;
  readonly port: number;
  readonly way: "connect" | "http" | "hosts";
  readonly allowed: boolean;
  /** Why not. */
  readonly reason?: string;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** What a gateway tells of its sandboxes. A listener that throws does no harm. */
export interface GatewayListeners {
  /** The model refused the credential (401, 403), or there is none (401). Called for each such request. */
  readonly onAuthFailure?: ((identity: GatewayIdentity, status: number) => void) | undefined;
  /** An answer of the model has said what it cost, or was broken off after it had said a part. */
  readonly onUse?: ((identity: GatewayIdentity, use: ModelUse) => void) | undefined;
  readonly onEgress?: ((identity: GatewayIdentity, record: EgressRecord) => void) | undefined;
}

/** A sandbox that is served. */
export interface Served {
  /** This server lets go of it; another one may go on. */
  close(): Promise<void>;
  /** The sandbox has ended: its token is good for nothing any more. */
  revoke(): Promise<void>;
}

/** PORT: lets sandboxes reach the model, with a credential that stays outside of them. */
export interface ModelGateway {
  /** What streams through it goes on when this server ends. */
  readonly outlivesServer?: boolean;
  /** Throws `unavailable`, with the remedy, where what it needs is not there. Once, before anything else. */
  open?(): Promise<void>;
  /** Serves the sandbox's channel `gateway`, until closed or longer: what of it streams need not end with this server. */
  serve(sandbox: Pick<Sandbox, "accept" | "sockets">, identity: GatewayIdentity, rules?: GatewayRules): Promise<Served>;
  /** Ends every stream and the connections to the model. */
  close(): Promise<void>;
}

/** By the name of a secret: the hosts that may get its value, whoever's profile names it. */
export type BoundSecrets = Readonly<Record<string, readonly string[]>>;
