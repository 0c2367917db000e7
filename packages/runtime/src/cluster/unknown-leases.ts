import type { Logger } from "../logger.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { Periodic } from "./periodic.ts";
import { leaseKey } from "./session-leases.ts";

export interface UnknownLeasesOptions {
  readonly node: ClusterNode;
  /** Whether the session is in this node's memory, or on its way there. */
  readonly holds: (sessionId: string) => boolean;
  /** Goes on with what the session was at. Never rejects. */
  readonly adopt: (key: SessionKey) => Promise<void>;
  readonly log: Logger;
}

/**
 * Finds sessions that are this node's by the store and that it knows nothing of: the answer to its claim was lost, or
 * another node claimed them for it and ended before it said so. No other node takes those, since this one lives.
 */
export class UnknownLeases {
  readonly #options: UnknownLeasesOptions;
  readonly #looks: Periodic;
  /** Leases that were unknown at the last look, with their fences: what is so twice is not just on its way. */
  #unknown: ReadonlySet<string> = new Set();

  constructor(options: UnknownLeasesOptions) {
    this.#options = options;
    this.#looks = new Periodic({
      everyMs: () => options.node.leaseMs,
      work: () => this.#look(),
      onError: (error) => options.log.debug({ err: error }, "it could not be asked which sessions are this node's"),
    });
  }

  start(): void {
    this.#looks.start();
  }

  async stop(): Promise<void> {
    await this.#looks.stop();
  }

  async #look(): Promise<void> {
    const { node, holds, adopt, log } = this.#options;
    if (node.isLeaving || node.lapse !== undefined) return;
    const leases = await node.cluster.leases(node.nodeId);
    const unknown = leases.filter(({ sessionId }) => !holds(sessionId));
    const before = this.#unknown;
    this.#unknown = new Set(unknown.map(idOf));
    for (const lease of unknown) {
      if (!before.has(idOf(lease))) continue;
      log.warn({ sessionId: lease.sessionId, nodeId: node.nodeId }, "a session is this node's, which did not know it");
      void adopt(lease);
    }
  }
}

function idOf(lease: SessionKey & { readonly fence: number }): string {
  return `${leaseKey(lease)}\0${lease.fence}`;
}
