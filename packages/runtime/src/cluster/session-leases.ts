import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { Lease, NodeRecord, SessionKey, SessionStore } from "../persistence/session-store.ts";
import type { ClusterNode } from "./cluster-node.ts";
import { byRoom, isFull, reaches, successors } from "./placement.ts";
import { RunsElsewhere } from "./runs-elsewhere.ts";

/** What a session's work takes. */
export interface WantedSession {
  /** A sandbox, so a session that nobody runs goes to the node with the most room. */
  readonly needsSandbox?: boolean;
  /** The session runs here if anywhere: it is this node's own work. */
  readonly here?: boolean;
}

export interface SessionLeasesOptions {
  readonly store: SessionStore;
  /** Absent: no other server shares the store, and every session is this one's. */
  readonly node: ClusterNode | undefined;
  readonly maxWaiting: number;
}

/** Seconds after which a cluster that is full may have room. */
const FULL_RETRY_S = 5;

/** This node's claims to sessions. */
export class SessionLeases {
  readonly #options: SessionLeasesOptions;

  constructor(options: SessionLeasesOptions) {
    this.#options = options;
  }

  /**
   * The lease under which this node runs the session; undefined: there are no others. Rejects with `RunsElsewhere`,
   * and with `unavailable` where this node may take nothing, or every node is full.
   */
  async take(key: SessionKey, wanted: WantedSession = {}): Promise<Lease | undefined> {
    const { node } = this.#options;
    if (node === undefined) return undefined;
    const known = await node.cluster.lease(key);
    if (known !== null && known.nodeId !== node.nodeId) throw new RunsElsewhere(key, known);
    if (node.lapse !== undefined) throw node.lapse;
    if (known !== null) return known;
    const nodeId = wanted.here === true ? node.nodeId : await this.#chosen(node, key, wanted);
    const lease = await this.#claimed(node, key, nodeId);
    if (lease.nodeId === node.nodeId) return lease;
    node.gave(lease.nodeId);
    throw new RunsElsewhere(key, lease);
  }

  async #claimed(node: ClusterNode, key: SessionKey, nodeId: string): Promise<Lease> {
    try {
      return await node.cluster.claim(key, nodeId);
    } catch (error) {
      if (toRuntimeError(error).code !== "conflict") throw error;
      // The one that was chosen has just ended.
      if (nodeId !== node.nodeId) return this.#claimed(node, key, node.nodeId);
      const message = "The session is being taken over; send again.";
      throw new RuntimeError("unavailable", message, { cause: error, retryAfter: 1 });
    }
  }

  async #chosen(node: ClusterNode, key: SessionKey, { needsSandbox = false }: WantedSession): Promise<string> {
    const head = await this.#options.store.head(key);
    const sandbox = head?.sandbox ?? null;
    const candidates = byRoom(successors(node.nodes(), sandbox), node);
    const [first] = candidates;
    if (first === undefined) return node.nodeId;
    if (sandbox !== null) return reaches(node.place, sandbox) && !node.isLeaving ? node.nodeId : first.nodeId;
    if (!needsSandbox) return node.nodeId;
    const free = this.#free(candidates) ?? (await this.#freeByNow(node));
    if (free === undefined) throw everythingFull();
    return free.nodeId;
  }

  #free(nodes: readonly NodeRecord[]): NodeRecord | undefined {
    return nodes.find((candidate) => !isFull(candidate, this.#options.maxWaiting));
  }

  /** Before somebody is refused: others may have come, or have room again. */
  async #freeByNow(node: ClusterNode): Promise<NodeRecord | undefined> {
    await node.refresh();
    return this.#free(byRoom(successors(node.nodes(), null), node));
  }

  /** Whether another node has a sandbox left. */
  hasRoomElsewhere(): boolean {
    const { node } = this.#options;
    return (node?.nodes() ?? []).some((other) => other.nodeId !== node?.nodeId && !other.leaving && !isFull(other, 0));
  }

  /** Whether the session is run here under this lease, by the store. */
  async holds(key: SessionKey, lease: Lease | undefined): Promise<boolean> {
    const { node } = this.#options;
    if (node === undefined || lease === undefined) return true;
    const now = await node.cluster.lease(key);
    // A node that counts as gone holds what nobody has taken.
    if (now !== null) return now.nodeId === lease.nodeId && now.fence === lease.fence;
    const own = await node.cluster.leases(node.nodeId);
    return own.some(
      ({ tenant, sessionId, fence }) => tenant === key.tenant && sessionId === key.sessionId && fence === lease.fence,
    );
  }

  /** Sessions that this node holds by the store, with their fences, by `leaseKey`. */
  async all(): Promise<ReadonlyMap<string, number>> {
    const { node } = this.#options;
    const held = node === undefined ? [] : await node.cluster.leases(node.nodeId);
    return new Map(held.map(({ fence, ...key }) => [leaseKey(key), fence]));
  }

  /** Another node may have the session. Rejects where the store cannot be told. */
  async giveBack(key: SessionKey, lease: Lease | undefined): Promise<void> {
    const { node } = this.#options;
    if (node !== undefined && lease !== undefined) await node.cluster.release(key, lease);
  }
}

export function leaseKey({ tenant, sessionId }: SessionKey): string {
  return `${tenant}\0${sessionId}`;
}

function everythingFull(): RuntimeError {
  const message = "Every server has as many sandboxes and sessions in line as it may. Send again later.";
  return new RuntimeError("unavailable", message, { retryAfter: FULL_RETRY_S });
}
