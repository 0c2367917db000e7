import type { Duplex, Readable, Writable } from "node:stream";

/** What a sandbox is found by after a crash. */
export interface SandboxTags {
  readonly deployment: string;
  readonly tenant: string;
  readonly session: string;
  readonly generation: string;
}

/** What runs inside: our runner and the packages of its harness, as folders and files of this host. */
export interface RunnerFiles {
  /** The bundled runner, one file. */
  readonly bundle: string;
  /** Harness packages by name, e.g. `@anthropic-ai/claude-agent-sdk` → its folder. */
  readonly packages: Readonly<Record<string, string>>;
}

/** What a sandbox may use at most. A provider enforces what it can, and says in its documentation what it cannot. */
export interface SandboxLimits {
  /** Memory of all processes together, in bytes. */
  readonly memoryBytes?: number;
  /** Processors' worth of time, e.g. 1.5. */
  readonly cpus?: number;
  /** Processes and threads at once. */
  readonly processes?: number;
  /** Descriptors that a process has open at once. */
  readonly openFiles?: number;
  /** Largest single file, in bytes. */
  readonly fileBytes?: number;
  /** Workspace, home and state together, in bytes. */
  readonly diskBytes?: number;
}

/**
 * What a profile wants installed before its agent starts. Set up once for each `hash`, and shared read-only. Inside it is
 * a folder with `node_modules`, `python` (a virtual environment) and `projects/NAME`, at the path in
 * `RUNNER_PATHS.environment`; the `node_modules/.bin` and `python/bin` of it come first in the `PATH` of all that runs
 * inside, and a symlink `node_modules` to its own stands in a folder above the workspace, where Node's `import` looks.
 */
export interface EnvironmentSpec {
  /** Of all that is wanted, contents of projects included: lower-case hex, 64 digits. */
  readonly hash: string;
  /** Packages of the npm registry: `name` or `name@version`. */
  readonly npm: readonly string[];
  /** Packages of the Python index: names with versions and extras. */
  readonly pip: readonly string[];
  /** Projects of the user's: their files, and the command that makes them ready, run by a shell in their folder. */
  readonly projects: readonly {
    /** Of letters, digits, `.`, `_`, `-`; the name of its folder. */
    readonly name: string;
    /** A folder of this host. */
    readonly folder: string;
    readonly installCommand: string;
  }[];
  /** URLs of the npm registry and of the Python index. */
  readonly registries: { readonly npm: string; readonly pip: string };
  /** What runs in the sandbox that installs, with `AGENT_RUNTIME_TASK=install` and the token as `AGENT_RUNTIME_MODEL_TOKEN`: a runner, and the package `npm`. */
  readonly installer: RunnerFiles;
  /**
   * The installing sandbox's way out: an HTTP proxy that reaches the registries and nothing else, for whoever shows the
   * token. It is given the streams that the sandbox opens on `gateway`.
   */
  readonly proxy: { readonly token: string; serve(stream: Duplex): void };
}

export interface SandboxSpec {
  /** Idempotency key: a second `create` with the same key gives the same sandbox. Letters, digits, `-`, `_`. */
  readonly key: string;
  readonly tags: SandboxTags;
  readonly runner: RunnerFiles;
  /** Environment of the runner; nothing else of the server's environment reaches it. No secret that is worth stealing. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits?: SandboxLimits;
  /** `create` throws `environment_failed`, with the tool's own output, where it cannot be set up. */
  readonly install?: EnvironmentSpec;
}

/** Plain JSON with which `attach` finds the sandbox again, from another process. */
export type SandboxRef = Readonly<Record<string, string | number | boolean>>;

/** Running; asleep: can be woken with its disk; gone: for good; unreachable: cannot tell for now. */
export type SandboxLife = "running" | "asleep" | "gone" | "unreachable";

/** Byte streams between sandbox and server: the runner's wire, and the harness's HTTP to the model. */
export type SandboxChannel = "runner" | "gateway";

export interface ExecOptions {
  /** Working directory, absolute; the workspace by default. */
  readonly cwd?: string;
  /** Added to the environment that the sandbox's programs have. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Aborted: the process is killed, where the provider can do that, and its streams end. */
  readonly signal?: AbortSignal;
}

/** A program that was started in a sandbox from outside. Its output waits for its reader, without a bound on the whole; resume or destroy what you do not want. */
export interface SandboxProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Exit code; null: it was killed, or the sandbox or the line to it is gone. After both outputs were given to whoever reads them. */
  readonly exited: Promise<{ readonly code: number | null }>;
}

export interface Sandbox {
  readonly id: string;
  readonly ref: SandboxRef;
  /** The folder of this host where the sandbox finds `CHANNEL.sock`, where it has one: another process may listen there. */
  readonly sockets?: string;
  /** Epoch ms from which on its session leaves it, between turns: its provider ends it some time after that. */
  readonly moveAfter?: number;
  /**
   * Gives every stream that the sandbox opens on `channel` to `onStream`, until closed. The runner's stream
   * comes again after it broke. One listener a channel at a time.
   */
  accept(channel: SandboxChannel, onStream: (stream: Duplex) => void): Promise<{ close(): Promise<void> }>;
  /**
   * Runs a program inside, as the agent's user, with exactly these arguments and no shell. What it says is a stranger's word.
   * Throws `sandbox_lost` where the sandbox is gone, `invalid_request` where there is no such program.
   */
  exec(command: readonly string[], options?: ExecOptions): Promise<SandboxProcess>;
  /** A file inside, by its absolute path; links are followed inside. Throws `file_not_found`; `payload_too_large` above `maxBytes` (64 MiB). */
  readFile(path: string, options?: { readonly maxBytes?: number }): Promise<Buffer>;
  /** Whole or not at all, with its parent folders. `mode` is 0o644 by default. */
  writeFile(path: string, bytes: Uint8Array, options?: { readonly mode?: number }): Promise<void>;
  /** Keeps its file system; a `create` with the id of the snapshot starts from it. */
  snapshot?(): Promise<{ readonly id: string }>;
  /** Hosts that it may reach by itself, beside the gateway. */
  setNetwork?(network: { readonly allowedHosts: readonly string[] }): Promise<void>;
  status(): Promise<SandboxLife>;
  /** Resolves when the sandbox is known to be gone; its reason, where there is one (exit code, last lines of its log). */
  readonly ended: Promise<{ readonly reason: string }>;
  /** Final and idempotent: afterwards nothing of it runs. Its disk goes too. */
  terminate(): Promise<void>;
  /** Forgets the sandbox in this process (watchers, listeners); it goes on running. */
  release(): Promise<void>;
}

/**
 * PORT: where sandboxes come from. Errors are `RuntimeError`s: `isolation_unavailable`, `sandbox_credentials`,
 * `sandbox_unavailable`, `missing_dependency`, each with a message that says the remedy.
 */
export interface SandboxProvider {
  readonly name: string;
  /**
   * Where its sandboxes live, as it is seen from this server: one with the same place can attach to them. Absent: this
   * host, for this user.
   */
  readonly place?: string;
  /** Its sandboxes are on other hosts: they can reach the gateway by `gateway.publicUrl`. */
  readonly remote?: boolean;
  /** Proves once, at start, that a sandbox can be had; throws with the remedy otherwise. */
  probe?(): Promise<void>;
  /** What it bounds and by what means on this machine, and what it cannot: in words, for `doctor`. */
  describe?(): Promise<{ readonly has: readonly string[]; readonly lacks: readonly string[] }>;
  /**
   * Gets ready what takes long the first time, an image or what the profile wants installed, which the next `create`
   * with the same then finds; it may take minutes. Without this, `create` does it. Throws `environment_failed` with the
   * tool's own last lines. Several calls that want the same share one work.
   */
  prepare?(
    wanted: Pick<SandboxSpec, "runner" | "install">,
    options: { signal: AbortSignal; onProgress: (message: string) => void },
  ): Promise<void>;
  /** Starts a sandbox whose runner dials the `runner` channel. `onProgress` says what takes time. */
  create(spec: SandboxSpec, options: { signal: AbortSignal; onProgress: (message: string) => void }): Promise<Sandbox>;
  /** null: it is gone. */
  attach(ref: SandboxRef): Promise<Sandbox | null>;
  /** Every sandbox of this deployment that still runs. */
  list(
    tags: Pick<SandboxTags, "deployment">,
  ): Promise<readonly { readonly ref: SandboxRef; readonly tags: SandboxTags }[]>;
  close?(): Promise<void>;
}

/**
 * Environment variables that a provider sets for the runner, beside `SandboxSpec.environment`:
 * absolute paths inside the sandbox.
 */
export const RUNNER_PATHS = {
  /** The workspace: the harness's working directory. */
  workspace: "AGENT_RUNTIME_WORKSPACE",
  /** The agent's home. */
  home: "AGENT_RUNTIME_HOME",
  /** Where the runner keeps its journal; on disk. */
  state: "AGENT_RUNTIME_STATE",
  /** Folder with the server's sockets `runner.sock` and `gateway.sock`, read-only. */
  sockets: "AGENT_RUNTIME_SOCKETS",
  /** Folder whose `node_modules` has the harness's packages. */
  packages: "AGENT_RUNTIME_PACKAGES",
  /** What was installed for the profile (`EnvironmentSpec`), read-only; only with `install`. */
  environment: "AGENT_RUNTIME_ENVIRONMENT",
} as const;
