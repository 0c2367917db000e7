import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type * as ModalSdk from "modal";
import { unlessLate } from "./deadline.ts";
import { BuildLogs } from "./build-logs.ts";
import { explainModalError } from "./remedy.ts";

/** Requests that Modal throttles are waited for by the SDK, at most so long, in seconds. */
const MOST_THROTTLED_S = 60;

export interface ModalClientOptions {
  readonly tokenId: string;
  readonly tokenSecret: string;
  readonly appName: string;
  readonly requestTimeoutMs: number;
  /** The `modal` package, if not the installed one. */
  readonly sdk?: () => Promise<typeof ModalSdk>;
}

export interface ModalConnection {
  readonly client: ModalSdk.ModalClient;
  readonly buildLogs: BuildLogs;
}

/** The SDK's client, made when it is first needed, and the app that sandboxes belong to. */
export interface LazyModal {
  connection(): Promise<ModalConnection>;
  /** Looked up once, and made where there is none. */
  app(signal?: AbortSignal): Promise<ModalSdk.App>;
  /** One request, bounded: the SDK takes no signal, and retries by itself. Throws in our words. */
  request<T>(ask: (client: ModalSdk.ModalClient) => Promise<T>, signal?: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

export function lazyModal(options: ModalClientOptions): LazyModal {
  const connecting = once(() => makeConnection(options));
  const app = once(() => request((client) => client.apps.fromName(options.appName, { createIfMissing: true })));

  async function request<T>(ask: (client: ModalSdk.ModalClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { client } = await connecting.get();
    return unlessLate(ask(client), {
      timeoutMs: options.requestTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  return {
    connection: connecting.get,
    app: (signal) =>
      unlessLate(app.get(), { timeoutMs: options.requestTimeoutMs, ...(signal === undefined ? {} : { signal }) }),
    request,
    // The SDK cannot close its channel; it lets go of its token.
    async close() {
      const made = connecting.made();
      connecting.forget();
      app.forget();
      (await made?.catch(() => undefined))?.client.close();
    },
  };
}

/** What is made once; a failure is not kept. */
function once<T>(make: () => Promise<T>): { get(): Promise<T>; made(): Promise<T> | undefined; forget(): void } {
  let made: Promise<T> | undefined;
  return {
    get() {
      const mine = (made ??= make());
      mine.catch(() => {
        if (made === mine) made = undefined;
      });
      return mine;
    },
    made: () => made,
    forget() {
      made = undefined;
    },
  };
}

async function makeConnection(options: ModalClientOptions): Promise<ModalConnection> {
  const { tokenId, tokenSecret } = options;
  if (tokenId === "" || tokenSecret === "") throw explainModalError(new Error("Modal's token is empty"));
  const sdk = await loadSdk(options);
  const buildLogs = new BuildLogs();
  try {
    const client = new sdk.ModalClient({
      tokenId,
      tokenSecret,
      logLevel: "error",
      maxThrottleWaitSecs: MOST_THROTTLED_S,
      grpcMiddleware: [buildLogs.middleware],
    });
    return { client, buildLogs };
  } catch (error) {
    throw explainModalError(error);
  }
}

async function loadSdk(options: ModalClientOptions): Promise<typeof ModalSdk> {
  const install = "npm install modal@0.11.1";
  let sdk: typeof ModalSdk;
  try {
    sdk = await (options.sdk ?? (() => import("modal")))();
  } catch (error) {
    throw new RuntimeError("missing_dependency", `The package modal is not installed. Run: ${install}`, {
      cause: error,
    });
  }
  // Another, older package goes by the same name on the registry's default tag.
  if (typeof sdk.ModalClient === "function") return sdk;
  throw new RuntimeError("missing_dependency", `The installed package modal is not Modal's SDK. Run: ${install}`);
}
