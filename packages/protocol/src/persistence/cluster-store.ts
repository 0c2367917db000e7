import type { SessionKey, StoredSandbox } from "./session-store.ts";

/** A server that shares a store with others. */
export interface NodeRecord {
  /** Of this process alone: a process that is started again has another one. */
  readonly nodeId: string;
  /** Where its sandboxes live: nodes of the same place can attach to each other's. */
  readonly place: string;
  /** Sandboxes that it runs and starts. */
  readonly sandboxes: number;
  /** Sessions that wait for one. */
  readonly waiting: number;
  /** Sandboxes that it may run at once. */
  readonly maxSandboxes: number;
  /** It takes nothing more: it is being shut down. */
  readonly leaving: boolean;
}

/** Who runs a session. */
export interface Lease {
  readonly nodeId: string;
  /** Grows by one whenever the session changes hands, or is claimed again after it was free. */
  readonly fence: number;
}

/** Something that a client asked a node which does not run the session. */
export interface SessionCommand extends SessionKey {
  /** Unique; commands of one sender are in order by it. */
  readonly id: string;
  /** Node that waits for the answer. */
  readonly from: string;
  /** A method of the session, such as `send`. */
  readonly method: string;
  /** Plain JSON. */
  readonly body: unknown;
  /** From when it was sent, by the store's clock: later it is dropped unexecuted. Absent: it waits until somebody executes it. */
  readonly validMs?: number;
}

/** What became of a command: plain JSON. */
export type CommandAnswer =
  | { readonly ok: true; readonly data: unknown }
  | {
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly [more: string]: unknown };
    };

/**
 * Short texts from one node to all: each at most once, in no order that counts, and lost without harm. It wakes who
 * would find the same a little later by asking the store.
 */
export interface NodeBus {
  /** Longest text, in bytes of UTF-8. */
  readonly maxBytes: number;
  open?(): Promise<void>;
  publish(text: string): Promise<void>;
  /** Texts of all nodes, this one's too, until the returned function is called. Goes on by itself after a lost connection; `onGap` says that texts may have been missed. */
  subscribe(listener: { onText(text: string): void; onGap(): void }): Promise<() => Promise<void>>;
  close?(): Promise<void>;
}

/**
 * CAPABILITY of a `SessionStore`: many nodes share it. A session is run by the node that holds its lease, and a lease
 * holds for as long as its node says in time that it lives. All times are by the store's clock: nodes' clocks may differ.
 * Where a store has this, an `AppendBatch` with a `fence` that is not the session's is refused with `stale_fence`.
 */
export interface ClusterStore {
  /**
   * Says that the node lives for `ttlMs` from now, and how it is. `lapsed`: it did not live any more before this call
   * (its first call too), so others may have taken its sessions. `nodes`: who lives, itself among them.
   */
  heartbeat(
    node: NodeRecord,
    ttlMs: number,
  ): Promise<{ readonly lapsed: boolean; readonly nodes: readonly NodeRecord[] }>;
  /** The node is no more: its leases are free. Unknown nodes are as good. */
  leave(nodeId: string): Promise<void>;
  /**
   * Gives the session's lease to the node where nobody living holds it (then its fence grows), and answers with the lease
   * as it is then; a node that holds it already keeps it as it is. A node that does not live is refused with `conflict`.
   * Of any number of calls at once one wins. Throws `session_not_found`.
   */
  claim(key: SessionKey, nodeId: string): Promise<Lease>;
  /** Who runs the session; null: nobody living, or no such session. */
  lease(key: SessionKey): Promise<Lease | null>;
  /**
   * Gives the lease back, and what is written under its fence from then on is refused; does nothing where it is another
   * one by now. A fence is never given again.
   */
  release(key: SessionKey, lease: Lease): Promise<void>;
  /** Every lease that the node holds, whether it lives or not. */
  leases(nodeId: string): Promise<readonly (SessionKey & { readonly fence: number })[]>;
  /**
   * Sessions of all tenants that somebody should run and nobody living does: those whose latest `session:status` says
   * `isLoaded`, those with a sandbox, and those for which a command waits. At most `limit`.
   */
  abandoned(limit: number): Promise<readonly (SessionKey & { readonly sandbox: StoredSandbox | null })[]>;
  /** The last seq of each log, in the order of the keys; null where there is none. */
  tails(keys: readonly SessionKey[]): Promise<readonly (number | null)[]>;
  /** Keeps a command until it is answered, or its time is over. Throws `session_not_found`; the same id again changes nothing. */
  send(command: SessionCommand): Promise<void>;
  /** Commands for sessions whose lease the node holds, in order, at most `limit`. */
  waiting(nodeId: string, limit: number): Promise<readonly SessionCommand[]>;
  /** The command was executed: it waits no more, and its answer can be fetched for a minute. A command that waits no more keeps its first answer. */
  answer(id: string, answer: CommandAnswer): Promise<void>;
  /** Answers by id, in order; null: none yet. */
  answers(ids: readonly string[]): Promise<readonly (CommandAnswer | null)[]>;
  /** Removes answers that were fetched. */
  forget(ids: readonly string[]): Promise<void>;
  /** How nodes wake each other, where the database has a way; else they ask it from time to time. */
  readonly bus?: NodeBus;
}
