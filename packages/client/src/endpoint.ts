import { BEARER_SUBPROTOCOL_PREFIX, WEBSOCKET_SUBPROTOCOL } from "@hhopkins/agent-runtime-protocol";
import { asClientError, ClientError, errorOfResponse } from "./client-error.ts";

export interface AgentClientOptions {
  /** Where the server answers, e.g. `http://127.0.0.1:3001`. */
  readonly baseUrl: string;
  /** Where its WebSocket is; `baseUrl` + `/ws` by default. */
  readonly wsUrl?: string;
  readonly apiKey?: string;
  /** Asked before each request and connection; instead of `apiKey`. With `refused`, a token that the server does not take (any more). */
  readonly getToken?: (refused?: string) => Promise<string>;
  readonly fetch?: typeof globalThis.fetch;
  readonly WebSocket?: typeof globalThis.WebSocket;
}

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly json?: unknown;
  /** In place of `json`. */
  readonly form?: FormData;
  /** In place of `json`. */
  readonly bytes?: Blob | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** One server, its credential, and the two ways to it. */
export class Endpoint {
  readonly #options: AgentClientOptions;
  readonly #base: string;

  constructor(options: AgentClientOptions) {
    this.#options = options;
    this.#base = options.baseUrl.replace(/\/+$/, "");
  }

  /** Whether our credential is refused, and no other attempt can carry another. */
  isShutOut({ code }: { readonly code: string }): boolean {
    return (code === "unauthorized" || code === "token_expired") && this.#options.getToken === undefined;
  }

  /** The response of a call. Rejects with `ClientError` for anything that is not 2xx. */
  async call(path: string, call: Call = {}): Promise<Response> {
    const token = await this.#token();
    let response = await this.#send(path, call, token);
    if (response.status === 401 && this.#options.getToken !== undefined) {
      // Whoever keeps tokens cannot always know that one has expired. What was refused has done nothing.
      const renewed = await this.#token(token);
      if (renewed !== token) response = await this.#send(path, call, renewed);
    }
    if (!response.ok) throw await errorOfResponse(response);
    return response;
  }

  async #send(path: string, call: Call, token: string | undefined): Promise<Response> {
    const send = this.#options.fetch ?? globalThis.fetch;
    try {
      return await send(`${this.#base}/v1${path}`, {
        method: call.method ?? "GET",
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(call.json === undefined ? {} : { "content-type": "application/json" }),
          ...(call.bytes === undefined ? {} : { "content-type": "application/octet-stream" }),
          ...call.headers,
        },
        ...(call.json === undefined ? {} : { body: JSON.stringify(call.json) }),
        ...(call.form === undefined ? {} : { body: call.form }),
        ...(call.bytes === undefined ? {} : { body: call.bytes }),
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      });
    } catch (error) {
      throw asClientError(error);
    }
  }

  async json<T>(path: string, call: Call = {}): Promise<T> {
    const response = await this.call(path, call);
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw asClientError(error, "bad_answer");
    }
  }

  /**
   * A connection for live events; the token goes as a subprotocol, which browsers can send too. `ended`: the token of
   * the connection before, where that has ended with it.
   */
  async connect(ended?: string): Promise<{ webSocket: WebSocket; token: string | undefined }> {
    const token = await this.#token(ended);
    const Socket = this.#options.WebSocket ?? globalThis.WebSocket;
    const protocols: string[] = [WEBSOCKET_SUBPROTOCOL];
    if (token !== undefined) protocols.push(BEARER_SUBPROTOCOL_PREFIX + base64Url(token));
    const address = this.#options.wsUrl ?? `${this.#base.replace(/^http/, "ws")}/ws`;
    return { webSocket: new Socket(address, protocols), token };
  }

  async #token(refused?: string): Promise<string | undefined> {
    const { getToken, apiKey } = this.#options;
    if (getToken === undefined) return apiKey;
    try {
      return await getToken(refused);
    } catch (error) {
      throw new ClientError("no_token", error instanceof Error ? error.message : String(error), { cause: error });
    }
  }
}

function base64Url(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
