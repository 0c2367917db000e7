import type { MemorySession } from "./memory-session.ts";
import type { MemorySessions } from "./memory-store.ts";
import type {
  ClusterStore,
  CommandAnswer,
  NodeRecord,
  SessionCommand,
  SessionKey,
  StoredSandbox,
} from "./session-store.ts";
import { nodeNotAlive } from "./store-errors.ts";

/** How long an answer can be fetched. */
const ANSWER_MS = 60_000;

interface LivingNode {
  readonly record: NodeRecord;
  readonly until: number;
}

interface WaitingCommand {
  readonly key: SessionKey;
  /** JSON of the command. */
  readonly text: string;
  readonly until: number;
}

interface KeptAnswer {
  /** JSON of the answer. */
  readonly text: string;
  readonly until: number;
}

/** What nodes say to each other through one memory: who lives, commands and their answers. Leases are with the sessions. */
export class MemoryCluster implements ClusterStore {
  readonly #sessions: MemorySessions;
  readonly #now: () => number;
  readonly #nodes = new Map<string, LivingNode>();
  readonly #commands = new Map<string, WaitingCommand>();
  readonly #answers = new Map<string, KeptAnswer>();

  /** `now` in milliseconds; it never goes back. */
  constructor(sessions: MemorySessions, now: () => number) {
    this.#sessions = sessions;
    this.#now = now;
  }

  async heartbeat(node: NodeRecord, ttlMs: number): Promise<{ lapsed: boolean; nodes: readonly NodeRecord[] }> {
    const lapsed = !this.#lives(node.nodeId);
    for (const nodeId of this.#nodes.keys()) if (!this.#lives(nodeId)) this.#nodes.delete(nodeId);
    this.#nodes.set(node.nodeId, { record: { ...node }, until: this.#now() + ttlMs });
    return { lapsed, nodes: [...this.#nodes.values()].map(({ record }) => ({ ...record })) };
  }

  async leave(nodeId: string): Promise<void> {
    this.#nodes.delete(nodeId);
    for (const session of this.#sessions.all()) if (session.holder === nodeId) session.holder = null;
  }

  async claim(key: SessionKey, nodeId: string): Promise<{ nodeId: string; fence: number }> {
    const session = this.#sessions.need(key);
    if (!this.#lives(nodeId)) throw nodeNotAlive(nodeId);
    const holder = this.#livingHolder(session);
    if (holder !== null) return { nodeId: holder, fence: session.fence };
    session.holder = nodeId;
    session.fence += 1;
    return { nodeId, fence: session.fence };
  }

  async lease(key: SessionKey): Promise<{ nodeId: string; fence: number } | null> {
    const session = this.#sessions.get(key);
    const nodeId = session === null ? null : this.#livingHolder(session);
    return session === null || nodeId === null ? null : { nodeId, fence: session.fence };
  }

  async release(key: SessionKey, { nodeId, fence }: { nodeId: string; fence: number }): Promise<void> {
    const session = this.#sessions.get(key);
    if (session?.holder !== nodeId || session.fence !== fence) return;
    session.holder = null;
    session.fence += 1;
  }

  async leases(nodeId: string): Promise<(SessionKey & { fence: number })[]> {
    const held = this.#sessions.all().filter(({ holder }) => holder === nodeId);
    return held.map(({ tenant, sessionId, fence }) => ({ tenant, sessionId, fence }));
  }

  async abandoned(limit: number): Promise<(SessionKey & { sandbox: StoredSandbox | null })[]> {
    const commanded = new Set(this.#waiting().map(({ key }) => this.#sessions.get(key)));
    return this.#sessions
      .all()
      .filter((session) => this.#livingHolder(session) === null)
      .filter((session) => session.runtime.isLoaded || session.sandbox !== null || commanded.has(session))
      .slice(0, limit)
      .map(({ tenant, sessionId, sandbox }) => ({ tenant, sessionId, sandbox }));
  }

  async tails(keys: readonly SessionKey[]): Promise<(number | null)[]> {
    return keys.map((key) => this.#sessions.get(key)?.lastSeq ?? null);
  }

  async send(command: SessionCommand): Promise<void> {
    const { id, tenant, sessionId, validMs } = command;
    this.#sessions.need(command);
    this.#sweep();
    if (this.#commands.has(id) || this.#answers.has(id)) return;
    const until = this.#now() + (validMs ?? Infinity);
    this.#commands.set(id, { key: { tenant, sessionId }, text: JSON.stringify(command), until });
  }

  async waiting(nodeId: string, limit: number): Promise<SessionCommand[]> {
    return this.#waiting()
      .filter(({ key }) => this.#sessions.get(key)?.holder === nodeId)
      .map(({ text }) => JSON.parse(text) as SessionCommand)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  async answer(id: string, answer: CommandAnswer): Promise<void> {
    this.#sweep();
    this.#commands.delete(id);
    if (!this.#answers.has(id)) this.#answers.set(id, { text: JSON.stringify(answer), until: this.#now() + ANSWER_MS });
  }

  async answers(ids: readonly string[]): Promise<(CommandAnswer | null)[]> {
    this.#sweep();
    return ids.map((id) => {
      const kept = this.#answers.get(id);
      return kept === undefined ? null : (JSON.parse(kept.text) as CommandAnswer);
    });
  }

  async forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#answers.delete(id);
  }

  /** The session is gone, and so is what was asked of it. */
  drop({ tenant, sessionId }: SessionKey): void {
    for (const [id, { key }] of this.#commands) {
      if (key.tenant === tenant && key.sessionId === sessionId) this.#commands.delete(id);
    }
  }

  /** Commands and answers that are kept. */
  get size(): number {
    this.#sweep();
    return this.#commands.size + this.#answers.size;
  }

  #lives(nodeId: string): boolean {
    return (this.#nodes.get(nodeId)?.until ?? -Infinity) > this.#now();
  }

  #livingHolder({ holder }: MemorySession): string | null {
    return holder !== null && this.#lives(holder) ? holder : null;
  }

  #waiting(): WaitingCommand[] {
    this.#sweep();
    return [...this.#commands.values()];
  }

  #sweep(): void {
    const now = this.#now();
    for (const kept of [this.#commands, this.#answers]) {
      for (const [id, { until }] of kept) if (until <= now) kept.delete(id);
    }
  }
}
