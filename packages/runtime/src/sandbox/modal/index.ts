import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type * as ModalSdk from "modal";
import type { SandboxProvider } from "../port.ts";
import { explainModalError } from "./remedy.ts";

export interface ModalSandboxOptions {
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** Name of the Modal app that the sandboxes belong to; made when there is none. */
  readonly appName: string;
  /** Longest time for Modal to answer, in ms (15 s). */
  readonly timeoutMs?: number;
  /** The `modal` package, if not the installed one. */
  readonly sdk?: () => Promise<typeof ModalSdk>;
}

/**
 * Sandboxes on Modal. In this version only as far as to tell whether the credentials are good: `create` looks the app
 * up, and fails with `sandbox_credentials`, `sandbox_unavailable`, `missing_dependency`, or, with good credentials,
 * with `not_supported`. A server with it starts without credentials.
 */
export function modalSandbox(options: ModalSandboxOptions): SandboxProvider {
  let client: Promise<ModalSdk.ModalClient> | undefined;
  // The SDK cannot close its channel, so there is one client, and it is made when it is first needed.
  const connect = async (): Promise<ModalSdk.ModalClient> => {
    const made = (client ??= makeClient(options));
    made.catch(() => {
      if (client === made) client = undefined;
    });
    return made;
  };
  return {
    name: "modal",
    async create(_spec, { signal, onProgress }) {
      onProgress("Asking Modal for a sandbox");
      const timeoutMs = options.timeoutMs ?? 15_000;
      await withDeadline(lookUpApp(await connect(), options.appName), { timeoutMs, signal });
      throw new RuntimeError(
        "not_supported",
        "Modal took the credentials, but running sessions on Modal comes with a later version. Choose another sandbox, such as local.",
      );
    },
    // No sandbox was ever made, so each that is asked for is gone.
    attach: async () => null,
    list: async () => [],
    async close() {
      const made = await client?.catch(() => undefined);
      client = undefined;
      made?.close();
    },
  };
}

async function lookUpApp(client: ModalSdk.ModalClient, appName: string): Promise<void> {
  await client.apps.fromName(appName, { createIfMissing: true });
}

async function makeClient(options: ModalSandboxOptions): Promise<ModalSdk.ModalClient> {
  const { tokenId, tokenSecret } = options;
  if (tokenId === "" || tokenSecret === "") throw explainModalError(new Error("Modal's token is empty"));
  const sdk = await loadSdk(options);
  try {
    return new sdk.ModalClient({ tokenId, tokenSecret, logLevel: "error" });
  } catch (error) {
    throw explainModalError(error);
  }
}

async function loadSdk(options: ModalSandboxOptions): Promise<typeof ModalSdk> {
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

/** Bounded by us: the SDK takes no signal here, and retries by itself. What comes too late is nobody's any more. */
async function withDeadline<T>(work: Promise<T>, limit: { timeoutMs: number; signal: AbortSignal }): Promise<T> {
  const { timeoutMs, signal } = limit;
  const given = Promise.withResolvers<never>();
  const late = new RuntimeError("sandbox_unavailable", `Modal did not answer within ${timeoutMs} ms. Try again later.`);
  const timer = setTimeout(() => given.reject(late), timeoutMs);
  const onAbort = (): void => given.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  work.catch(() => undefined);
  try {
    return await Promise.race([work, given.promise]);
  } catch (error) {
    throw error === late || signal.aborted ? error : explainModalError(error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
