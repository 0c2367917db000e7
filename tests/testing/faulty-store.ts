import type { AppendBatch, PersistenceAdapter, SessionStore } from "@hhopkins/agent-runtime";

/** A real adapter whose appends can be held back and can fail. */
export interface FaultyPersistence {
  readonly adapter: PersistenceAdapter & { readonly store: SessionStore };
  /** What every append fails with; undefined: they work. */
  failure: Error | undefined;
  /**
   * What becomes of appends: `denied` are written and fail, `silent` are written and never answered, `stuck` are not
   * even written, and the store answers nothing else either.
   */
  lie: "none" | "denied" | "silent" | "stuck";
  /** How often `lie` had its effect. */
  readonly lies: number;
  /** Appends, or those with a batch that matches, wait until this is opened again. */
  hold(matches?: (batch: AppendBatch) => boolean): { open(): void };
  /** Appends that wait. */
  readonly waiting: number;
  /** The last seq of this session that an append has resolved for. */
  stored(sessionId: string): number;
}

export function faultyPersistence(real: PersistenceAdapter & { readonly store: SessionStore }): FaultyPersistence {
  const stored = new Map<string, number>();
  let gate = Promise.resolve();
  let held: (batch: AppendBatch) => boolean = () => true;
  let waiting = 0;
  let lies = 0;
  const append: SessionStore["append"] = async (batches) => {
    if (batches.some(held)) {
      waiting += 1;
      await gate;
      waiting -= 1;
    }
    if (faulty.failure !== undefined) throw faulty.failure;
    const { lie } = faulty;
    if (lie !== "none") lies += 1;
    if (lie === "stuck") return never();
    const outcomes = await real.store.append(batches);
    for (const { sessionId, events } of batches)
      stored.set(sessionId, events.at(-1)?.seq ?? stored.get(sessionId) ?? 0);
    if (lie === "denied") throw new Error("the connection broke");
    return lie === "silent" ? never() : outcomes;
  };
  const head: SessionStore["head"] = (key) => (faulty.lie === "stuck" ? never() : real.store.head(key));
  const list: SessionStore["list"] = (query) => (faulty.lie === "stuck" ? never() : real.store.list(query));
  const create: SessionStore["create"] = async (session) => {
    await real.store.create(session);
    stored.set(session.sessionId, session.first.events.at(-1)?.seq ?? 0);
  };
  const faulty: FaultyPersistence = {
    adapter: { ...real, store: { ...real.store, append, create, head, list } },
    failure: undefined,
    lie: "none",
    get lies() {
      return lies;
    },
    get waiting() {
      return waiting;
    },
    hold(matches = () => true) {
      held = matches;
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return { open: () => resolve() };
    },
    stored: (sessionId) => stored.get(sessionId) ?? 0,
  };
  return faulty;
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
