import type { ContractProvider, ContractRef, ContractSandbox, ContractSpec } from "./provider.ts";

/** Why something cannot be shown of a provider. Stands in the report of the run, and in the table of the documentation. */
export interface CannotShow {
  readonly because: string;
}

/** What the contract needs to know of the provider under test. One subject serves all cases. */
export interface SandboxSubject {
  /**
   * A provider such as another server would have: a new object each time, on the same data directory, engine or account.
   * The contract closes it.
   */
  provider(): ContractProvider;
  /**
   * Does `create(spec)` with a provider in a process of its own, which then goes on running; `kill` is SIGKILL to it, and
   * waits until it is gone. See `createInProcess` for the usual way.
   */
  createElsewhere(spec: ContractSpec): Promise<{ readonly ref: ContractRef; kill(): Promise<void> }>;
  /** Lets the sandbox end from outside, not by its provider: as a crash, an operator, or the cloud would. */
  readonly lose: ((sandbox: ContractSandbox) => Promise<void>) | CannotShow;
  /** Puts it to sleep, so that `status` is `asleep`. */
  readonly sleep: ((sandbox: ContractSandbox) => Promise<void>) | CannotShow;
  /** Cuts the provider off, so that `status` is `unreachable`, while `work` runs. */
  readonly cutOff: ((sandbox: ContractSandbox, work: () => Promise<void>) => Promise<void>) | CannotShow;
  /** Environment of the server that must not be seen inside; set by the subject before the provider is made. */
  readonly canary?: string;
}
