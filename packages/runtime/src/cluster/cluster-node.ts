import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { Logger } from "../logger.ts";
import { withDeadline } from "../persistence/deadline.ts";
import type { ClusterStore, NodeRecord } from "../persistence/session-store.ts";
import type { NodeMembership } from "./node-membership.ts";
import { Periodic } from "./periodic.ts";
import { forgetNode, previousNodes } from "./previous-nodes.ts";

/** How full a node is. */
export type NodeLoad = Pick<NodeRecord, "sandboxes" | "waiting" | "maxSandboxes">;

export interface ClusterNodeOptions {
  readonly nodeId: string;
  readonly place: string;
  /** Where earlier nodes have written down that they are its. */
  readonly dataDir: string;
  readonly cluster: ClusterStore;
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly load: () => NodeLoad;
  readonly log: Logger;
  /** Milliseconds by a clock that is never set. */
  readonly elapsed?: () => number;
}

/** Heartbeats in the time of one lease. */
const BEATS_A_LEASE = 3;
/** What a heartbeat said of others holds for so long. */
const FRESH_MS = 200;
/** Until a node that was given a session has surely said how full it is then. */
const GIVEN_SHARE = 1 / 2;
/** For the first, with which a connection is made. */
const FIRST_MS = 10_000;
/** After a heartbeat that failed. */
const AGAIN = 12;

/**
 * This process as a node of a cluster: it says again and again that it lives, and knows who else does. Only the store's
 * clock decides who lives; for itself this node counts from before it last said so, and so never believes it too long.
 */
export class ClusterNode implements NodeMembership {
  readonly #options: ClusterNodeOptions;
  readonly #elapsed: () => number;
  readonly #beats: Periodic;
  /** Nodes that sessions were given to, and when: they may not have said so themselves yet. */
  #given: readonly { readonly nodeId: string; readonly at: number }[] = [];
  #nodes: readonly NodeRecord[] = [];
  #until = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;
  #failed = false;
  #isLeaving = false;
  /** Others could take its sessions, and it has not looked which. */
  #returns = false;
  #onReturn: () => Promise<void> = async () => undefined;

  constructor(options: ClusterNodeOptions) {
    this.#options = options;
    this.#elapsed = options.elapsed ?? (() => performance.now());
    this.#beats = new Periodic({
      everyMs: () => options.leaseMs / (this.#failed ? AGAIN : BEATS_A_LEASE),
      work: () => this.#beat(),
      onError: (error) => this.#couldNot(error),
    });
  }

  get nodeId(): string {
    return this.#options.nodeId;
  }

  get place(): string {
    return this.#options.place;
  }

  get cluster(): ClusterStore {
    return this.#options.cluster;
  }

  get leaseMs(): number {
    return this.#options.leaseMs;
  }

  get pollMs(): number {
    return this.#options.pollMs;
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Who lived at the last heartbeat, this node among them, with what was given to them since. */
  nodes(): readonly NodeRecord[] {
    const own = this.#record();
    const since = this.#elapsed() - this.leaseMs * GIVEN_SHARE;
    return this.#nodes.map((node) => {
      if (node.nodeId === this.nodeId) return own;
      const given = this.#given.filter(({ nodeId, at }) => nodeId === node.nodeId && at > since).length;
      return { ...node, waiting: node.waiting + given };
    });
  }

  others(): readonly string[] {
    return this.#nodes.flatMap(({ nodeId }) => (nodeId === this.nodeId ? [] : nodeId));
  }

  /** A session was given to another node, which will say so itself with its next heartbeat. */
  gave(nodeId: string): void {
    const at = this.#elapsed();
    this.#given = [...this.#given.filter((given) => given.at > at - this.leaseMs), { nodeId, at }];
  }

  /** Why this node may not take sessions at the moment; undefined: it may. */
  get lapse(): RuntimeError | undefined {
    // What it holds in memory may be another node's until it has looked.
    if (this.#elapsed() < this.#until && !this.#returns) return undefined;
    const retryAfter = Math.ceil(this.#options.leaseMs / 1000);
    return new RuntimeError(
      "unavailable",
      "This server could not tell the store in time that it lives, so other servers may have its sessions. It takes no new work until it can.",
      { retryAfter },
    );
  }

  /** Resolves when the store knows of this node. `onReturn`: it lives again after others could take its sessions. */
  async start(onReturn: () => Promise<void>): Promise<void> {
    await this.#say(FIRST_MS);
    await this.#retirePrevious();
    this.#onReturn = onReturn;
    this.#beats.start();
  }

  /** Asks who lives, and how full they are, where that is not known of this moment. */
  async refresh(): Promise<void> {
    if (this.#elapsed() - (this.#until - this.leaseMs) < FRESH_MS) return;
    this.#refreshing ??= this.#say()
      .then(() => {
        if (this.#returns) this.#beats.now();
      })
      .finally(() => {
        this.#refreshing = undefined;
      });
    await this.#refreshing;
  }

  /** The store knows how it is before this resolves; rejects where it cannot be told. */
  async tellLeaving(): Promise<void> {
    this.#isLeaving = true;
    await this.#say();
  }

  /** Its leases are free from now on. Never rejects: they end by themselves otherwise. */
  async stop(): Promise<void> {
    this.#isLeaving = true;
    await this.#beats.stop();
    this.#until = Number.NEGATIVE_INFINITY;
    const { cluster, nodeId, log } = this.#options;
    try {
      await cluster.leave(nodeId);
      await forgetNode(this.#options);
    } catch (error) {
      log.warn({ err: error, nodeId }, "the store could not be told that this node ends; its leases end by themselves");
    }
  }

  /** A server that is started again has the sessions at once that it had when it was killed. */
  async #retirePrevious(): Promise<void> {
    const { cluster, log } = this.#options;
    for (const nodeId of await previousNodes(this.#options)) {
      log.info({ nodeId }, "a node that had this data directory has ended; its sessions are free");
      await cluster.leave(nodeId);
      await forgetNode({ ...this.#options, nodeId });
    }
  }

  async #beat(): Promise<void> {
    const { log } = this.#options;
    const before = this.#returns;
    await this.#say();
    if (this.#returns && !before) {
      log.warn({ nodeId: this.nodeId }, "this node counted as gone for a while; others may have its sessions");
    }
    if (this.#failed) log.info({ nodeId: this.nodeId }, "the store knows again that this node lives");
    this.#failed = false;
    if (!this.#returns) return;
    await this.#onReturn();
    this.#returns = false;
  }

  async #say(deadline = this.leaseMs / 2): Promise<void> {
    const { cluster, leaseMs } = this.#options;
    const since = this.#elapsed();
    const late = (): RuntimeError => new RuntimeError("persistence_unavailable", "The store takes no heartbeat.");
    const { lapsed, nodes } = await withDeadline(cluster.heartbeat(this.#record(), leaseMs), deadline, late);
    // One that came too late may have been an earlier one, whose answer was lost.
    const isFirst = this.#until === Number.NEGATIVE_INFINITY;
    if (!isFirst && (lapsed || since >= this.#until)) this.#returns = true;
    this.#until = since + leaseMs;
    this.#nodes = nodes;
  }

  #record(): NodeRecord {
    const { nodeId, place, load } = this.#options;
    return { nodeId, place, ...load(), leaving: this.#isLeaving };
  }

  #couldNot(error: unknown): void {
    if (!this.#failed)
      this.#options.log.warn(
        { err: toRuntimeError(error), nodeId: this.nodeId },
        "the store could not be told that this node lives",
      );
    this.#failed = true;
  }
}
