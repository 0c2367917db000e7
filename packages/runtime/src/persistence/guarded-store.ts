import type { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { clusterAround } from "./cluster-around.ts";
import type { SessionStore } from "./session-store.ts";

export interface StoreGuard {
  /** Throws where the store cannot be used now, such as after it was closed. */
  readonly check: () => void;
  /** Does the work of a call; it may do it again. */
  readonly around?: <R>(work: () => Promise<R>) => Promise<R>;
  /** What a thrown value is to callers. */
  readonly explain: (error: unknown) => RuntimeError;
}

type AsyncMethod<A extends readonly unknown[], R> = (...args: A) => Promise<R>;
type IterableMethod<A extends readonly unknown[], R> = (...args: A) => AsyncIterable<R>;

/** The store behind its guard: whatever its methods throw is a `RuntimeError`, and nothing runs once it is closed. */
export function guardedStore(store: SessionStore, guard: StoreGuard): SessionStore {
  const call = guardedCall(guard);
  const iterate = guardedIterable(guard);
  return {
    create: call(store.create),
    append: call(store.append),
    events: call(store.events),
    compact: call(store.compact),
    head: call(store.head),
    blocks: call(store.blocks),
    block: call(store.block),
    files: call(store.files),
    checkpoints: call(store.checkpoints),
    filesAt: call(store.filesAt),
    blob: iterate(store.blob),
    blobSize: call(store.blobSize),
    transcript: iterate(store.transcript),
    message: call(store.message),
    list: call(store.list),
    claimed: call(store.claimed),
    delete: call(store.delete),
    ...(store.cluster === undefined ? {} : { cluster: clusterAround(store.cluster, (_name, method) => call(method)) }),
  };
}

/** A function behind the guard. */
export function guardedCall(guard: StoreGuard) {
  return <A extends readonly unknown[], R>(method: AsyncMethod<A, R>): AsyncMethod<A, R> =>
    async (...args) => {
      try {
        guard.check();
        const work = (): Promise<R> => method(...args);
        return await (guard.around === undefined ? work() : guard.around(work));
      } catch (error) {
        throw guard.explain(error);
      }
    };
}

function guardedIterable(guard: StoreGuard) {
  return <A extends readonly unknown[], R>(method: IterableMethod<A, R>): IterableMethod<A, R> =>
    async function* guarded(...args) {
      try {
        guard.check();
        for await (const item of method(...args)) {
          yield item;
          guard.check();
        }
      } catch (error) {
        throw guard.explain(error);
      }
    };
}
