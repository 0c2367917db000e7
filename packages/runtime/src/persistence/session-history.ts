/** What a session was at the end of an earlier turn, read back from its store. */
import {
  emptied,
  initialState,
  reduce,
  RuntimeError,
  SESSION_START,
  type ConversationBlock,
  type PlacedBlock,
  type RewindTarget,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import type { Checkpoint, SessionKey, SessionStore } from "./session-store.ts";

const PAGE_EVENTS = 1000;
const PAGE_CHECKPOINTS = 200;

type Reads = Pick<SessionStore, "events" | "checkpoints">;

/** Events with `after` < seq ≤ `upTo`, in order. */
export async function* eventsBetween(
  store: Reads,
  key: SessionKey,
  { after, upTo }: { after: number; upTo: number },
): AsyncGenerator<SessionEvent> {
  for (let at = after; at < upTo;) {
    const events = await store.events(key, { after: at, limit: PAGE_EVENTS });
    for (const { from: _from, ...event } of events) if (event.seq <= upTo) yield event;
    at = events.at(-1)?.seq ?? upTo;
  }
}

export async function stateAt(
  store: Reads,
  key: SessionKey,
  at: { logId: string; seq: number },
): Promise<SessionState> {
  let state = initialState(key.sessionId, at.logId);
  for await (const event of eventsBetween(store, key, { after: 0, upTo: at.seq })) state = reduce(state, event);
  return state;
}

/** Turns of a log. */
export interface Turns {
  /** Those that have ended and count, the oldest first: a session that went back is without what came later. */
  readonly ended: readonly string[];
  /** Every turn that has ever begun. */
  readonly all: ReadonlySet<string>;
  /** The one that runs, if any. */
  readonly running: string | undefined;
}

export async function turnsOf(store: Reads, key: SessionKey, lastSeq: number): Promise<Turns> {
  const all = new Set<string>();
  let ended: string[] = [];
  let running: string | undefined;
  for await (const event of eventsBetween(store, key, { after: 0, upTo: lastSeq })) {
    if (event.type === "session:turn:started") {
      running = event.data.turnId;
      all.add(running);
    } else if (event.type === "session:turn:completed") {
      running = undefined;
      ended.push(event.data.turnId);
      all.add(event.data.turnId);
    } else if (event.type === "session:rewound") ended = ended.slice(0, ended.lastIndexOf(event.data.turnId) + 1);
  }
  return { ended, all, running };
}

/** The checkpoint of a turn's end. Throws `turn_not_found`, and `conflict` where the turn is there and its checkpoint is not. */
export async function checkpointOf(
  store: Reads,
  key: SessionKey,
  { turnId, lastSeq }: { turnId: string; lastSeq: number },
): Promise<Checkpoint> {
  for (let before: number | undefined; ;) {
    const page = await store.checkpoints(key, {
      limit: PAGE_CHECKPOINTS,
      ...(before === undefined ? {} : { before }),
    });
    const found = page.find((checkpoint) => checkpoint.turnId === turnId);
    if (found !== undefined) return found;
    if (page.length < PAGE_CHECKPOINTS) break;
    before = page.at(-1)?.seq;
  }
  throw withoutCheckpoint(key, turnId, await turnsOf(store, key, lastSeq));
}

function withoutCheckpoint({ sessionId }: SessionKey, turnId: string, { all, running }: Turns): RuntimeError {
  const field = "body.turnId";
  if (turnId === running)
    return new RuntimeError("conflict", `Turn ${turnId} still runs: wait until it has ended, or interrupt it.`, {
      field,
    });
  if (turnId !== SESSION_START && !all.has(turnId))
    return new RuntimeError("turn_not_found", `Session ${sessionId} has no turn ${turnId}.`, { field });
  const message = `Session ${sessionId} has no checkpoint of ${turnId}: it came with an import or a fork, of which only the last turn has one, or is older than checkpoints. Name a later turn, or fork the session that it came from.`;
  return new RuntimeError("conflict", message, { field });
}

/** What a session that goes back from `lastSeq` to `seq` has to take back, and to put right. */
export async function changesSince(
  store: Reads,
  key: SessionKey,
  { seq, lastSeq }: { seq: number; lastSeq: number },
): Promise<Pick<RewindTarget, "later" | "changed">> {
  const begun = new Set<string>();
  const later = new Map<string, PlacedBlock>();
  const touched = new Set<string>();
  for await (const event of eventsBetween(store, key, { after: seq, upTo: lastSeq })) {
    if (event.type === "session:block:start") {
      const { conversationId, block } = event.data;
      begun.add(block.id);
      later.set(block.id, { conversationId, block: emptied(block) });
    } else if (event.type === "session:block:update" || event.type === "session:block:complete") {
      const { blockId } = event.data;
      if (!begun.has(blockId)) touched.add(blockId);
      if (event.type === "session:block:complete" && event.data.block.retracted === true) later.delete(blockId);
    }
  }
  return { later: [...later.values()], changed: await blocksAt(store, key, { seq, ids: touched }) };
}

/** Blocks as they were, whole, without those that were not there. */
async function blocksAt(
  store: Reads,
  key: SessionKey,
  { seq, ids }: { seq: number; ids: ReadonlySet<string> },
): Promise<PlacedBlock[]> {
  const blocks = new Map<string, PlacedBlock>();
  if (ids.size === 0) return [];
  for await (const event of eventsBetween(store, key, { after: 0, upTo: seq })) {
    if (event.type === "session:block:start" || event.type === "session:block:complete") {
      const { conversationId, block } = event.data;
      if (!ids.has(block.id)) continue;
      if (block.retracted === true) blocks.delete(block.id);
      else blocks.set(block.id, { conversationId, block });
    } else if (event.type === "session:block:update") {
      const known = blocks.get(event.data.blockId);
      if (known === undefined) continue;
      const block = { ...known.block, ...event.data.updates } as ConversationBlock;
      blocks.set(block.id, { ...known, block });
    }
  }
  return [...blocks.values()];
}
