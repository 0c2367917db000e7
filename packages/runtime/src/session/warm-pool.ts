import { toRuntimeError, type SessionState } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey } from "../persistence/session-store.ts";
import { RetrySchedule } from "./retry-schedule.ts";
import type { SessionParts } from "./session-parts.ts";
import { fitOfSession, planWarmSandbox, startWarmSandbox, type WarmSandbox } from "./warm-sandbox.ts";

/** How often it is looked whether profiles have changed, and what is missing is started; milliseconds. */
const LOOK_MS = 5_000;
const RETRIES = { first: LOOK_MS, most: 5 * 60_000 };

/**
 * Keeps sandboxes with a started harness ready, so that a session's first message need not wait for one. A claim is
 * final when the session has stored it; what nobody has claimed ends with this server, or by the next one.
 */
export class WarmPool {
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #ready = new Map<string, WarmSandbox[]>();
  /** Sandboxes that this server has asked for, by the tag that stands where others have their session's id. */
  readonly #tags = new Set<string>();
  readonly #retries = new RetrySchedule(RETRIES);
  readonly #stop = new AbortController();
  #parts: SessionParts | undefined;
  #filling: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `sizes`: how many of each profile, by its id. */
  constructor(sizes: Readonly<Record<string, number>>) {
    this.#sizes = new Map(Object.entries(sizes).filter(([, size]) => size > 0));
  }

  start(parts: SessionParts): void {
    if (this.#sizes.size === 0) return;
    this.#parts = parts;
    this.#timer = setInterval(() => this.#fill(), LOOK_MS);
    this.#timer.unref();
    parts.slots.onShort = () => this.#giveWay();
    this.#fill();
  }

  /** Whether this server has started a sandbox with this tag, ready or claimed. */
  knows(tag: string): boolean {
    return this.#tags.has(tag);
  }

  /** A sandbox that is as this session's first one would be; the caller's from now on. Never rejects. */
  async claim(key: SessionKey, state: SessionState): Promise<WarmSandbox | undefined> {
    const parts = this.#parts;
    const some = this.#ready.get(state.agentProfileReference);
    if (parts === undefined || some === undefined || some.length === 0) return undefined;
    const fit = await fitOfSession(parts, key, state).catch(() => null);
    const index = some.findIndex((warm) => warm.fit === fit && warm.isReady());
    // The next one is started a moment later: a start beside the message that this one is for would slow that down.
    const [claimed] = index < 0 ? [] : some.splice(index, 1);
    return claimed;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort(new Error("The server stops."));
    await this.#filling;
    const all = [...this.#ready.values()].flatMap((some) => some.splice(0));
    await Promise.all(all.map((warm) => this.#end(warm)));
  }

  /** A session waits for a sandbox: it is worth more than one that nobody has asked for. */
  #giveWay(): void {
    const some = [...this.#ready.values()].find(({ length }) => length > 0);
    const warm = some?.shift();
    if (warm !== undefined) void this.#end(warm);
  }

  #fill(): void {
    if (this.#stop.signal.aborted) return;
    this.#filling ??= this.#fillAll().finally(() => (this.#filling = undefined));
  }

  async #fillAll(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return;
    for (const [profileId, size] of this.#sizes) {
      if (this.#stop.signal.aborted || !this.#retries.due(profileId, parts.now().getTime())) continue;
      await this.#fillProfile(parts, profileId, size).catch((error: unknown) => {
        if (this.#stop.signal.aborted) return;
        this.#retries.failed(profileId, parts.now().getTime());
        parts.log.warn({ err: toRuntimeError(error), profileId }, "a warm sandbox could not be started");
      });
    }
  }

  /** One after another: what people ask for goes first. */
  async #fillProfile(parts: SessionParts, profileId: string, size: number): Promise<void> {
    const some = this.#ready.get(profileId) ?? [];
    this.#ready.set(profileId, some);
    for (;;) {
      const plan = await planWarmSandbox(parts, profileId);
      const stale = some.filter((warm) => warm.fit !== plan.fit || !warm.isReady());
      for (const warm of stale) {
        some.splice(some.indexOf(warm), 1);
        await this.#end(warm);
      }
      const releaseSlot = some.length < size && !this.#stop.signal.aborted ? parts.slots.tryAcquire() : undefined;
      if (releaseSlot === undefined) return;
      this.#tags.add(plan.key.sessionId);
      const starting = startWarmSandbox(parts, plan, { signal: this.#stop.signal, releaseSlot });
      const warm = await starting.catch((error: unknown) => {
        releaseSlot();
        throw error;
      });
      some.push(warm);
      parts.log.info({ profileId, sandboxId: warm.sandbox.id }, "a warm sandbox is ready");
      this.#retries.keep(new Set([...this.#sizes.keys()].filter((id) => id !== profileId)));
    }
  }

  async #end(warm: WarmSandbox): Promise<void> {
    await warm.end().catch((error: unknown) => {
      this.#parts?.log.warn({ err: error }, "a warm sandbox that nobody needs did not end");
    });
  }
}
