import type { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { clusterAround } from "./cluster-around.ts";
import type { SessionStore } from "./session-store.ts";

export interface StoreGuard {
  /** Throws where the store cannot be used now, such as after it was closed. */
  readonly check: () => void;
  /** Does the work of a call; it may do it again. */
  readonly around?: <R>(work: () => Promise<R>) => Promise<R>;
  /** The same for what only reads. Default: `around`. */
  readonly aroundRead?: <R>(work: () => Promise<R>) => Promise<R>;
  /** What a thrown value is to callers. */
  readonly explain: (error: unknown) => RuntimeError;
}

type AsyncMethod<A extends readonly unknown[], R> = (...args: A) => Promise<R>;
type IterableMethod<A extends readonly unknown[], R> = (...args: A) => AsyncIterable<R>;

/** The store behind its guard: whatever its methods throw is a `RuntimeError`, and nothing runs once it is closed. */
export function guardedStore(store: SessionStore, guard: StoreGuard): SessionStore {
  const call = guardedCall(guard);
  const around = guard.aroundRead ?? guard.around;
  const read = guardedCall({ ...guard, ...(around === undefined ? {} : { around }) });
  const iterate = guardedIterable(guard);
  return {
    create: call(store.create),
    append: call(store.append),
    events: read(store.events),
    compact: call(store.compact),
    head: read(store.head),
    blocks: read(store.blocks),
    block: read(store.block),
    files: read(store.files),
    checkpoints: read(store.checkpoints),
    filesAt: read(store.filesAt),
    blob: iterate(store.blob),
    blobSize: read(store.blobSize),
    transcript: iterate(store.transcript),
    message: read(store.message),
    list: read(store.list),
    claimed: read(store.claimed),
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
