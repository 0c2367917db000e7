import type { Logger } from "../logger.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import type { ClusterNode } from "./cluster-node.ts";
import type { LeaseNotes } from "./lease-notes.ts";
import { Periodic } from "./periodic.ts";
import { byRoom, successors } from "./placement.ts";
import { leaseKey } from "./session-leases.ts";

export interface TakeoverOptions {
  readonly node: ClusterNode;
  readonly notes: LeaseNotes | undefined;
  /** Claims the session and goes on with what it was at; resolves when that is done, or another node was first. */
  readonly adopt: (key: SessionKey) => Promise<void>;
  readonly log: Logger;
  /** 0 up to 1. */
  readonly random: () => number;
}

/** Sessions of one look. */
const LOOK_SESSIONS = 200;
/** The longest between two looks, in milliseconds, and as a share of the lease. */
const MOST_LOOK_MS = 1000;
const LOOK_SHARE = 1 / 4;
/** How long a fuller node lets an emptier one go first, for each one that is emptier. */
const COURTESY_MS = 60;
const MOST_COURTESY_MS = 300;

type Found = Awaited<ReturnType<ClusterNode["cluster"]["abandoned"]>>;

/**
 * Finds sessions that somebody should run and nobody living does: after a node died, or handed them over, or before
 * the first one. Each node takes its share, the emptiest first, and the next look finds what is left.
 */
export class Takeover {
  readonly #options: TakeoverOptions;
  readonly #looks: Periodic;
  readonly #adopting = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #hasMore = false;
  #unlisten: (() => void) | undefined;

  constructor(options: TakeoverOptions) {
    this.#options = options;
    this.#looks = new Periodic({
      everyMs: () => (this.#hasMore ? COURTESY_MS : this.#lookMs()),
      work: async () => void (await this.#look()),
      onError: (error) => options.log.warn({ err: error }, "it could not be asked which sessions nobody runs"),
    });
  }

  /** Resolves when what nobody runs now is taken, by this node or another, and goes on. */
  async start(): Promise<void> {
    let taken = 0;
    do {
      taken = await this.#look();
      await Promise.all(this.#adopting.values());
    } while (taken === LOOK_SESSIONS);
    this.#unlisten = this.#options.notes?.onLeaseFreed(() => this.#looks.now());
    this.#looks.start();
  }

  /** Takes nothing more; what was begun is for the caller to end. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#unlisten?.();
    await this.#looks.stop();
  }

  #lookMs(): number {
    const most = Math.min(MOST_LOOK_MS, this.#options.node.leaseMs * LOOK_SHARE);
    return most * (0.5 + this.#options.random() / 2);
  }

  /** How many sessions it has begun to take. */
  async #look(): Promise<number> {
    const { node } = this.#options;
    this.#hasMore = false;
    if (node.isLeaving || node.lapse !== undefined) return 0;
    const found = await this.#abandoned();
    if (found.length === 0) return 0;
    const emptier = this.#emptier();
    if (emptier === 0) return this.#take(found);
    await pause(Math.min(emptier * COURTESY_MS, MOST_COURTESY_MS), this.#stop.signal);
    return this.#stop.signal.aborted ? 0 : this.#take(await this.#abandoned());
  }

  async #abandoned(): Promise<Found> {
    const found = await this.#options.node.cluster.abandoned(LOOK_SESSIONS);
    return found.filter((session) => !this.#adopting.has(leaseKey(session)) && this.#isFor(session));
  }

  #isFor({ sandbox }: Found[number]): boolean {
    const { node } = this.#options;
    const able = successors(node.nodes(), sandbox);
    return able.length === 0 || able.some(({ nodeId }) => nodeId === node.nodeId);
  }

  /** Nodes that should take sessions before this one. */
  #emptier(): number {
    const { node } = this.#options;
    const nodes = byRoom(successors(node.nodes(), null), node);
    return Math.max(
      0,
      nodes.findIndex(({ nodeId }) => nodeId === node.nodeId),
    );
  }

  #take(found: Found): number {
    const takers = Math.max(1, successors(this.#options.node.nodes(), null).length);
    const share = Math.ceil(found.length / takers);
    this.#hasMore = share < found.length || found.length === LOOK_SESSIONS;
    for (const session of shuffled(found, this.#options.random).slice(0, share)) this.#adopt(session);
    return share;
  }

  #adopt({ tenant, sessionId }: SessionKey): void {
    const key = { tenant, sessionId };
    const id = leaseKey(key);
    const { adopt, log } = this.#options;
    const adopted = adopt(key)
      .catch((error: unknown) => log.error({ err: error, sessionId }, "a session could not be taken over"))
      .finally(() => this.#adopting.delete(id));
    this.#adopting.set(id, adopted);
  }
}

/** So that nodes that look at the same time begin with different ones. */
function shuffled<T>(all: readonly T[], random: () => number): T[] {
  return all
    .map((one) => ({ one, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const go = (): void => resolve();
  const timer = setTimeout(go, ms);
  signal.addEventListener("abort", go, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", go);
  });
}
