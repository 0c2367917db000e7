import type { Duplex } from "node:stream";

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

export interface SandboxSpec {
  /** Idempotency key: a second `create` with the same key gives the same sandbox. Letters, digits, `-`, `_`. */
  readonly key: string;
  readonly tags: SandboxTags;
  readonly runner: RunnerFiles;
  /** Environment of the runner; nothing else of the server's environment reaches it. No secret that is worth stealing. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Plain JSON with which `attach` finds the sandbox again, from another process. */
export type SandboxRef = Readonly<Record<string, string | number | boolean>>;

/** Running; asleep: can be woken with its disk; gone: for good; unreachable: cannot tell for now. */
export type SandboxLife = "running" | "asleep" | "gone" | "unreachable";

/** Byte streams between sandbox and server: the runner's wire, and the harness's HTTP to the model. */
export type SandboxChannel = "runner" | "gateway";

export interface Sandbox {
  readonly id: string;
  readonly ref: SandboxRef;
  /** The folder of this host where the sandbox finds `CHANNEL.sock`, where it has one: another process may listen there. */
  readonly sockets?: string;
  /**
   * Gives every stream that the sandbox opens on `channel` to `onStream`, until closed. The runner's stream
   * comes again after it broke. One listener a channel at a time.
   */
  accept(channel: SandboxChannel, onStream: (stream: Duplex) => void): Promise<{ close(): Promise<void> }>;
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
  /** Proves once, at start, that a sandbox can be had; throws with the remedy otherwise. */
  probe?(): Promise<void>;
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
} as const;
