import {
  eventData,
  initialState,
  reduce,
  reduceAll,
  RuntimeError,
  type ConversationBlock,
  type EventDraft,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { blockWrites } from "../persistence/block-writes.ts";
import { overviewOf } from "../persistence/session-overview.ts";
import type { AppendBatch, SessionHead, SessionKey, SessionStore } from "../persistence/session-store.ts";
import type { Committer } from "./committer.ts";
import { Compactor, type CompactorParts } from "./compactor.ts";
import { LogFrame } from "./frame.ts";
import type { LogHub } from "./hub.ts";

/** A state is stored again after so many events, so that a load replays at most as many and a turn more. */
export const SNAPSHOT_EVENTS = 1000;
const PAGE_EVENTS = 1000;

/** What is saved with the events, in the same transaction. */
export type LogWrite = Pick<
  AppendBatch,
  "cursor" | "transcript" | "blobs" | "droppedBlobs" | "files" | "messages" | "sandbox" | "nativeSessionId"
> & {
  readonly events: readonly EventDraft[];
  /** Store the state too, whatever the distance to the last one. */
  readonly snapshot?: boolean;
};

export interface LogParts extends CompactorParts {
  readonly store: SessionStore;
  readonly committer: Committer;
  readonly hub: LogHub;
  readonly now: () => Date;
}

type LogHead = SessionHead & { readonly fence?: number | undefined };

interface LogStart {
  readonly state: SessionState;
  readonly head: LogHead;
  readonly lastAt: string;
}

/**
 * Single writer of one session's log. `state` is the committed state; nothing is published before it is stored, and
 * nothing that was not stored is ever published. Calls of `append` must not overlap (the session's mailbox sees to it).
 */
export class SessionLog {
  readonly key: SessionKey;
  readonly #parts: LogParts;
  readonly #fence: number | undefined;
  #state: SessionState;
  /** `at` of the last event, ISO 8601. */
  #lastAt: string;
  #snapshotSeq: number;
  readonly #compactor: Compactor;

  private constructor(key: SessionKey, parts: LogParts, at: LogStart) {
    this.key = key;
    this.#parts = parts;
    this.#fence = at.head.fence;
    this.#state = at.state;
    this.#lastAt = at.lastAt;
    this.#snapshotSeq = at.head.snapshot?.lastSeq ?? 0;
    this.#compactor = new Compactor(key, parts, at.head.compactedTo);
  }

  /** `head.fence`: of the writer's lease; absent where no other server shares the store. */
  static async open(key: SessionKey, parts: LogParts, head: LogHead): Promise<SessionLog> {
    const [state, [last]] = await Promise.all([
      readState(parts.store, key, head),
      parts.store.events(key, { after: Math.max(0, head.lastSeq - 1), limit: 1 }),
    ]);
    return new SessionLog(key, parts, { state, head, lastAt: last?.at ?? "" });
  }

  get state(): SessionState {
    return this.#state;
  }

  /**
   * Numbers, stores and then publishes events. Rejects with the store's `RuntimeError` when they were not stored:
   * then nothing has changed.
   */
  async append(write: LogWrite): Promise<void> {
    const { events: drafts, snapshot, ...rest } = write;
    const at = this.#now();
    const frames = drafts.map((draft, index) => numbered(draft, { seq: this.#state.lastSeq + index + 1, at }));
    const events = frames.map((frame) => frame.event);
    const next = reduceAll(this.#state, events);
    const due = next.lastSeq - this.#snapshotSeq >= SNAPSHOT_EVENTS && next.turn === null;
    const withSnapshot = snapshot === true || due;
    const before = this.#state;
    const blocks = await blockWrites(events, (blockId) =>
      wholeBlock(this.#parts.store, this.key, { blockId, state: before }),
    );
    await this.#parts.committer.commit({
      ...this.key,
      ...rest,
      ...(this.#fence === undefined ? {} : { fence: this.#fence }),
      expectedSeq: this.#state.lastSeq,
      events,
      ...(blocks.length === 0 ? {} : { blocks }),
      ...(withSnapshot ? { snapshot: next } : {}),
      ...changedRecord(this.#state, next),
      ...changedOverview(this.#state, next),
      ...checkpointOf(events),
    });
    this.#state = next;
    this.#lastAt = at;
    if (withSnapshot) this.#snapshotSeq = next.lastSeq;
    if (frames.length > 0) this.#parts.hub.publish(this.key, frames);
    this.#compactor.note(events);
    if (events.some(({ type }) => type === "session:turn:completed")) this.#compactor.start(next);
  }

  /** Never before the last event: the server that wrote that one may have another time. */
  #now(): string {
    const at = this.#parts.now().toISOString();
    return at < this.#lastAt ? this.#lastAt : at;
  }

  /** Resolves when nothing goes on in the background; the next turn's end begins it again. */
  rest(): Promise<void> {
    return this.#compactor.rest();
  }
}

/** The workspace is kept as it is when a turn ends. */
function checkpointOf(events: readonly SessionEvent[]): Pick<AppendBatch, "checkpoint"> {
  const end = events.findLast((event) => event.type === "session:turn:completed");
  return end === undefined ? {} : { checkpoint: { turnId: end.data.turnId } };
}

/** What lists show of a session, where it has changed: of its record, and beside it. */
function changedRecord(before: SessionState, after: SessionState): Pick<AppendBatch, "record"> {
  const { lastActivity, sessionOptions } = after;
  const record = {
    ...(lastActivity === undefined || lastActivity === before.lastActivity ? {} : { lastActivity }),
    ...(sessionOptions === undefined || sessionOptions === before.sessionOptions ? {} : { sessionOptions }),
  };
  return Object.keys(record).length === 0 ? {} : { record };
}

function changedOverview(before: SessionState, after: SessionState): Pick<AppendBatch, "overview"> {
  const [old, overview] = [overviewOf(before), overviewOf(after)];
  const isSame =
    old.runtime === overview.runtime &&
    old.activity === overview.activity &&
    old.sessionMetadata === overview.sessionMetadata;
  return isSame ? {} : { overview };
}

/** Validated, in the schema's key order, and as JSON gives it back: so every reader's state has the same bytes. */
export function numbered(draft: EventDraft, stamp: { seq: number; at: string }): LogFrame {
  const parsed = eventData[draft.type].parse(draft.data);
  const json = JSON.stringify(parsed);
  return new LogFrame({ ...stamp, type: draft.type, data: JSON.parse(json) } as SessionEvent, { data: json });
}

/** `reduce(log)`, from the stored state on. */
export async function readState(store: SessionStore, key: SessionKey, head: SessionHead): Promise<SessionState> {
  let state: SessionState =
    head.snapshot === null ? initialState(key.sessionId, head.logId) : { ...head.snapshot, logId: head.logId };
  while (state.lastSeq < head.lastSeq) {
    const events = await store.events(key, { after: state.lastSeq, limit: PAGE_EVENTS });
    for (const { from, ...event } of events) {
      if ((from ?? event.seq) !== state.lastSeq + 1) break;
      state = reduce(state, event);
    }
    const last = events.at(-1)?.seq;
    if (state.lastSeq !== last) {
      throw new RuntimeError(
        "persistence_unavailable",
        `The log of session ${key.sessionId} has nothing after ${state.lastSeq}, and should go on to ${head.lastSeq}.`,
      );
    }
  }
  return state;
}

async function wholeBlock(
  store: SessionStore,
  key: SessionKey,
  at: { blockId: string; state: SessionState },
): Promise<ConversationBlock | null> {
  const inState = at.state.blocks.findLast((block) => block.id === at.blockId);
  if (inState !== undefined && inState.truncated !== true) return inState;
  return (await store.block(key, at.blockId))?.block ?? null;
}
