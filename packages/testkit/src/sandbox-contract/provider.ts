import type { Duplex, Readable, Writable } from "node:stream";

/**
 * The port `SandboxProvider` of `@hhopkins/agent-runtime`, as far as the contract uses it: whatever fits that port fits
 * this. What each method promises stands there.
 */
export interface ContractProvider {
  readonly name: string;
  create(spec: ContractSpec, options: ContractCreateOptions): Promise<ContractSandbox>;
  attach(ref: ContractRef): Promise<ContractSandbox | null>;
  list(tags: {
    readonly deployment: string;
  }): Promise<readonly { readonly ref: ContractRef; readonly tags: ContractTags }[]>;
  close?(): Promise<void>;
}

export type ContractRef = Readonly<Record<string, string | number | boolean>>;
export type ContractTags = Readonly<Record<"deployment" | "tenant" | "session" | "generation", string>>;

export interface ContractCreateOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** What the contract asks for: a stand-in for the runner, without packages, limits or things to install. */
export interface ContractSpec {
  readonly key: string;
  readonly tags: ContractTags;
  readonly runner: { readonly bundle: string; readonly packages: Readonly<Record<string, string>> };
  readonly environment: Readonly<Record<string, string>>;
}

export interface ContractProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<{ readonly code: number | null }>;
}

export interface ContractExecOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface ContractSandbox {
  readonly id: string;
  readonly ref: ContractRef;
  accept(channel: "runner" | "gateway", onStream: (stream: Duplex) => void): Promise<{ close(): Promise<void> }>;
  exec(command: readonly string[], options?: ContractExecOptions): Promise<ContractProcess>;
  readFile(path: string, options?: { readonly maxBytes?: number }): Promise<Buffer>;
  writeFile(path: string, bytes: Uint8Array, options?: { readonly mode?: number }): Promise<void>;
  snapshot?(): Promise<{ readonly id: string }>;
  status(): Promise<"running" | "asleep" | "gone" | "unreachable">;
  readonly ended: Promise<{ readonly reason: string }>;
  terminate(): Promise<void>;
  release(): Promise<void>;
}
