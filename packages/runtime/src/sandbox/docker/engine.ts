import { Agent } from "node:http";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type Docker from "dockerode";
import { explainEngineError } from "./remedy.ts";

export interface EngineOptions {
  /** Where the engine listens, as in `DOCKER_HOST`, which is the default: `unix:///…` or `tcp://HOST:PORT`. */
  readonly host?: string;
  /** Longest time for the engine to answer, in ms (30 s). */
  readonly timeoutMs?: number;
  /** The `dockerode` package, if not the installed one. */
  readonly dockerode?: () => Promise<unknown>;
}

/** What a call to the engine may take: the time is the options' where it is not said, `null` for as long as it takes. */
interface CallOptions {
  readonly timeoutMs?: number | null;
  readonly signal?: AbortSignal;
}

/** The Docker engine, by its API. */
export interface Engine {
  /** One call, bounded in time; its error is in our words, with the engine's as its cause. */
  call<T>(work: (docker: Docker, abortSignal: AbortSignal) => Promise<T>, options?: CallOptions): Promise<T>;
}

export function dockerEngine(options: EngineOptions): Engine {
  let client: Promise<Docker> | undefined;
  async function connect(): Promise<Docker> {
    const made = (client ??= makeClient(options));
    // The package may be installed while the server runs.
    made.catch(() => (client = undefined));
    return made;
  }
  return {
    async call(work, { timeoutMs = options.timeoutMs ?? 30_000, signal } = {}) {
      const docker = await connect();
      const late = timeoutMs === null ? [] : [AbortSignal.timeout(timeoutMs)];
      const bounds = AbortSignal.any([...late, ...(signal === undefined ? [] : [signal])]);
      try {
        // The package lets go of some calls only by itself.
        return await Promise.race([work(docker, bounds), aborted(bounds)]);
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        if (bounds.aborted) {
          throw new RuntimeError("sandbox_unavailable", `Docker did not answer within ${timeoutMs} ms. ${LATE}`, {
            cause: error,
          });
        }
        throw explainEngineError(error, options.host ?? process.env["DOCKER_HOST"]);
      }
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

const LATE = "Look whether the engine hangs (docker info), and try again.";

/** The engine's HTTP status of an error that `call` threw; null: there was no answer. */
export function engineStatus(error: unknown): number | null {
  const cause = error instanceof RuntimeError ? error.cause : error;
  if (typeof cause !== "object" || cause === null || !("statusCode" in cause)) return null;
  return typeof cause.statusCode === "number" ? cause.statusCode : null;
}

/** null where there is no such thing. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (engineStatus(error) === 404) return null;
    throw error;
  }
}

async function makeClient(options: EngineOptions): Promise<Docker> {
  const Client = await loadClient(options);
  // A connection of its own for each call: one that was kept may be to an engine that has been restarted since.
  return new Client({ ...addressOf(options.host), agent: new Agent({ keepAlive: false }) } as Docker.DockerOptions);
}

/** Without an address of ours the package takes `DOCKER_HOST` and its companions, ssh and TLS with them. */
function addressOf(host: string | undefined): Docker.DockerOptions {
  if (host === undefined) return {};
  if (host.startsWith("unix://")) return { host: undefined, socketPath: host.slice("unix://".length) };
  const url = URL.canParse(host) ? new URL(host) : null;
  if (url?.protocol !== "tcp:" || url.hostname === "") {
    throw new RuntimeError(
      "invalid_configuration",
      `Not the address of a Docker engine: ${host}. It is unix:///PATH or tcp://HOST:PORT.`,
      { field: "host" },
    );
  }
  return { host: url.hostname, port: url.port === "" ? 2375 : Number(url.port), protocol: "http" };
}

async function loadClient({ dockerode }: EngineOptions): Promise<new (options: Docker.DockerOptions) => Docker> {
  try {
    const module = (await (dockerode ?? (() => import("dockerode")))()) as { default: typeof Docker };
    return module.default;
  } catch (error) {
    throw new RuntimeError(
      "missing_dependency",
      "The package dockerode is not installed. Run: npm install dockerode@5.0.1",
      { cause: error },
    );
  }
}
