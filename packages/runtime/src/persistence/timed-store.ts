import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { clusterAround } from "./cluster-around.ts";
import { withDeadline } from "./deadline.ts";
import type { AppendBatch, SessionKey, SessionStore } from "./session-store.ts";

export interface TimedStoreOptions {
  /** For each answer of the store. */
  readonly timeoutMs: number;
  /** An append that counted as failed was written after all. */
  readonly onLate: (keys: readonly SessionKey[]) => void;
}

/** Appends without an answer that may be given up; each holds what it was to write for as long as it hangs. */
const MAX_UNANSWERED = 16;

/**
 * The store with a deadline for each answer: what hangs rejects with `persistence_unavailable`. Whether a write that
 * hung was done is not known then; `onLate` tells where it turns out that it was.
 */
export function timedStore(store: SessionStore, options: TimedStoreOptions): SessionStore {
  const timed = timedCall(options.timeoutMs);
  const items = timedIterable(options.timeoutMs);
  const { flush, cluster, savedCursor } = store;
  return {
    create: timed("create", (session) => store.create(session)),
    append: timedAppend(store, options),
    events: timed("events", (key, page) => store.events(key, page)),
    compact: timed("compact", (key, compaction) => store.compact(key, compaction)),
    head: timed("head", (key) => store.head(key)),
    blocks: timed("blocks", (key, page) => store.blocks(key, page)),
    block: timed("block", (key, blockId) => store.block(key, blockId)),
    files: timed("files", (key) => store.files(key)),
    checkpoints: timed("checkpoints", (key, page) => store.checkpoints(key, page)),
    filesAt: timed("filesAt", (key, seq) => store.filesAt(key, seq)),
    blob: items("blob", (key: SessionKey, sha256: string) => store.blob(key, sha256)),
    blobSize: timed("blobSize", (key, sha256) => store.blobSize(key, sha256)),
    transcript: items("transcript", (key: SessionKey) => store.transcript(key)),
    message: timed("message", (key, by) => store.message(key, by)),
    list: timed("list", (query) => store.list(query)),
    claimed: timed("claimed", () => store.claimed()),
    delete: timed("delete", (key) => store.delete(key)),
    ...(flush === undefined ? {} : { flush: timed("flush", () => flush.call(store)) }),
    ...(savedCursor === undefined ? {} : { savedCursor: (key) => savedCursor.call(store, key) }),
    ...(cluster === undefined ? {} : { cluster: clusterAround(cluster, timed) }),
  };
}

/** While an append hangs, the next one is sent only after the store has answered something that costs nothing. */
function timedAppend(store: SessionStore, { timeoutMs, onLate }: TimedStoreOptions): SessionStore["append"] {
  let unanswered = 0;
  const head = timedCall(timeoutMs)("head", (key: SessionKey) => store.head(key));
  return async (batches) => {
    const [first] = batches;
    if (unanswered > 0 && first !== undefined) await head(first);
    if (unanswered >= MAX_UNANSWERED) {
      const message = `The store never answered ${unanswered} writes, and is given no more of them. Start the server again once it works.`;
      throw new RuntimeError("persistence_unavailable", message);
    }
    let isLate = false;
    const writing = store.append(batches);
    const settled = (): void => {
      if (isLate) unanswered -= 1;
    };
    writing.then((outcomes) => {
      settled();
      const late = isLate ? batches.filter((_batch, index) => outcomes[index] === null) : [];
      if (late.length > 0) onLate(late.map(keyOf));
    }, settled);
    return withDeadline(writing, timeoutMs, () => {
      isLate = true;
      unanswered += 1;
      return noAnswer("append", timeoutMs);
    });
  };
}

function keyOf({ tenant, sessionId }: AppendBatch): SessionKey {
  return { tenant, sessionId };
}

function timedCall(timeoutMs: number) {
  return <A extends readonly unknown[], R>(
    name: string,
    call: (...args: A) => Promise<R>,
  ): ((...args: A) => Promise<R>) =>
    // Async, so that a method that throws at once rejects as well.
    async (...args) =>
      withDeadline(call(...args), timeoutMs, () => noAnswer(name, timeoutMs));
}

function timedIterable(timeoutMs: number) {
  return <A extends readonly unknown[], R>(
    name: string,
    call: (...args: A) => AsyncIterable<R>,
  ): ((...args: A) => AsyncIterable<R>) =>
    async function* timed(...args) {
      const items = call(...args)[Symbol.asyncIterator]();
      try {
        for (;;) {
          const next = await withDeadline(items.next(), timeoutMs, () => noAnswer(name, timeoutMs));
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        // Not awaited: it may hang as well.
        void items.return?.().catch(() => undefined);
      }
    };
}

function noAnswer(method: string, timeoutMs: number): RuntimeError {
  return new RuntimeError("persistence_unavailable", `The store did not answer ${method} within ${timeoutMs} ms.`);
}
