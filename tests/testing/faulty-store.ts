import type { AppendBatch, PersistenceAdapter, SessionStore } from "@hhopkins/agent-runtime";

/** A real adapter whose appends can be held back and can fail. */
export interface FaultyPersistence {
  readonly adapter: PersistenceAdapter & { readonly store: SessionStore };
  /** What every append fails with; undefined: they work. */
  failure: Error | undefined;
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
  const append: SessionStore["append"] = async (batches) => {
    if (batches.some(held)) {
      waiting += 1;
      await gate;
      waiting -= 1;
    }
    if (faulty.failure !== undefined) throw faulty.failure;
    const outcomes = await real.store.append(batches);
    for (const { sessionId, events } of batches) stored.set(sessionId, events.at(-1)?.seq ?? stored.get(sessionId) ?? 0);
    return outcomes;
  };
  const create: SessionStore["create"] = async (session) => {
    await real.store.create(session);
    stored.set(session.sessionId, session.first.events.at(-1)?.seq ?? 0);
  };
  const faulty: FaultyPersistence = {
    adapter: { ...real, store: { ...real.store, append, create } },
    failure: undefined,
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
