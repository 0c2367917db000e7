import { randomUUID } from "node:crypto";
import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { GenericId } from "convex/values";
import { encodeBatch } from "../encoded-batch.ts";
import { sortTime } from "../list-cursor.ts";
import { NEVER_RUN_JSON } from "../session-overview.ts";
import type { RawTranscripts } from "../nine-methods.ts";
import type { AppendBatch, Compaction, SessionKey, SessionStore } from "../session-store.ts";
import {
  compactsTail,
  knownMessage,
  noSession,
  sessionExists,
  staleFence,
  takenBefore,
  wrongSeq,
} from "../store-errors.ts";
import type { ConvexCalls } from "./client.ts";
import type { Refusal } from "./functions/batches.ts";
import { splitText } from "./functions/split.ts";
import { groupsOf, piecesOf, type Piece } from "./pieces.ts";
import { parseParts, storable } from "./texts.ts";
import { keyText, wireBatch } from "./wire.ts";

type Writes = Pick<SessionStore, "create" | "append" | "compact" | "delete">;

/** A session's record is one document. */
const MOST_RECORD = 900_000;
/** Ranges of a compaction that go in one call. */
const RANGES = 1_000;
/** Parts of a transcript that go in one call. */
const PARTS = 8;

export function convexWrites(calls: ConvexCalls): Writes {
  return {
    create: (session) => create(calls, session),
    append: (batches) => append(calls, batches),
    compact: (key, compaction) => compact(calls, key, compaction),
    delete: async (key) => {
      const removal = await calls.mutation((api) => api.removals.remove, { key: keyText(key) });
      if (removal !== null) await sweep(calls, removal);
    },
  };
}

/** Removes what earlier removals have left. */
export async function finishRemovals(calls: ConvexCalls): Promise<void> {
  while (true) {
    const pending = await calls.query((api) => api.removals.pending, {});
    if (pending.length === 0) return;
    for (const removal of pending) await sweep(calls, removal);
  }
}

async function sweep(calls: ConvexCalls, removal: GenericId<"agentRuntimeRemovals">): Promise<void> {
  while (await calls.mutation((api) => api.removals.sweep, { removal }));
}

async function create(calls: ConvexCalls, session: Parameters<SessionStore["create"]>[0]): Promise<void> {
  const { tenant, sessionId, record, logId, first } = session;
  const batch = wireBatch(encodeBatch({ ...first, tenant, sessionId, expectedSeq: 0 }), undefined);
  const { name, lastActivity, sessionOptions, metadata } = record;
  const stored = {
    type: storable(record.type),
    profile: storable(record.agentProfileReference),
    name: name === undefined ? null : JSON.stringify(name),
    createdAt: record.createdAt,
    lastActivity: lastActivity ?? null,
    active: sortTime(record),
    created: Date.parse(record.createdAt),
    sessionOptions: sessionOptions === undefined ? null : JSON.stringify(sessionOptions),
    metadata: metadata === undefined ? null : JSON.stringify(metadata),
    runtime: NEVER_RUN_JSON,
  };
  checkRecord(stored);
  const args = { tenant, sessionId, logId, record: stored, first: batch };
  const refusal = await calls.mutation((api) => api.appends.create, args);
  if (refusal !== null) throw sessionExists(sessionId);
}

function checkRecord(record: Readonly<Record<string, unknown>>): void {
  if (Buffer.byteLength(JSON.stringify(record)) <= MOST_RECORD) return;
  const message = `name, sessionOptions and metadata: together they are more than Convex keeps in a document (${MOST_RECORD} bytes)`;
  throw new RuntimeError("payload_too_large", message, { field: "metadata" });
}

/** A batch on its way, and what became of it. */
interface Underway {
  readonly batch: AppendBatch;
  readonly pieces: readonly Piece[];
  outcome: Error | null;
}

/** In one transaction so many as fit. Where that fails as a whole, each is written alone: so none takes others with it. */
async function append(calls: ConvexCalls, batches: readonly AppendBatch[]): Promise<(Error | null)[]> {
  const all = batches.map(prepared);
  const ofPiece = new Map(all.flatMap((one) => one.pieces.map((piece) => [piece, one] as const)));
  for (const group of groupsOf([...ofPiece.keys()])) {
    const open = group.filter((piece) => ofPiece.get(piece)?.outcome === null);
    const outcomes = await writeGroup(calls, open);
    for (const [index, piece] of open.entries()) {
      const one = ofPiece.get(piece);
      const outcome = outcomes[index] ?? null;
      if (one !== undefined && outcome !== null) one.outcome = asError(outcome, one.batch);
    }
  }
  const dropped = all.some(({ batch, outcome }) => outcome === null && (batch.droppedBlobs?.length ?? 0) > 0);
  // What is left of them is in nobody's way; the next one, or the next start, removes it.
  if (dropped) await finishRemovals(calls).catch(() => undefined);
  return all.map(({ outcome }) => outcome);
}

function prepared(batch: AppendBatch): Underway {
  try {
    const wire = wireBatch(encodeBatch(batch), batch.fence);
    checkRecord(wire.record);
    return { batch, pieces: piecesOf(wire), outcome: null };
  } catch (error) {
    return { batch, pieces: [], outcome: toRuntimeError(error, "persistence_unavailable") };
  }
}

async function writeGroup(calls: ConvexCalls, pieces: readonly Piece[]): Promise<(Refusal | Error | null)[]> {
  if (pieces.length === 0) return [];
  try {
    return await calls.mutation((api) => api.appends.append, { batches: pieces.map(({ batch }) => batch) });
  } catch (error) {
    if (pieces.length === 1) return [toRuntimeError(error, "persistence_unavailable")];
  }
  const outcomes: (Refusal | Error | null)[] = [];
  for (const piece of pieces) outcomes.push(...(await writeGroup(calls, [piece])));
  return outcomes;
}

function asError(outcome: Refusal | Error, batch: AppendBatch): Error {
  if (outcome instanceof Error) return outcome;
  switch (outcome.kind) {
    case "no_session":
      return noSession(batch.sessionId);
    case "exists":
      return sessionExists(batch.sessionId);
    case "wrong_seq":
      return wrongSeq(batch, outcome.lastSeq);
    case "taken_before":
      return takenBefore(batch, batch.cursor ?? { generation: 0, n: 0 });
    case "known_message":
      return knownMessage(outcome.messageId);
    case "stale_fence":
      return staleFence(batch, outcome.fence);
    case "compacts_tail":
      return compactsTail(outcome.to);
  }
}

/** In as many transactions as it takes. Each leaves a whole log; `upTo` moves with the last. */
async function compact(calls: ConvexCalls, key: SessionKey, { drop, upTo }: Compaction): Promise<void> {
  const last = drop.at(-1)?.to ?? 0;
  let left = [...drop];
  while (true) {
    const ranges = left.slice(0, RANGES);
    const more = left.length > RANGES;
    const args = { key: keyText(key), drop: ranges, last, upTo: more ? 0 : upTo };
    const { refusal, next } = await calls.mutation((api) => api.compactions.compact, args);
    if (refusal !== null) throw compactsTail(last);
    if (next === null && !more) return;
    const from = next ?? (ranges.at(-1)?.to ?? 0) + 1;
    left = left.flatMap((range) => (range.to < from ? [] : [{ from: Math.max(range.from, from), to: range.to }]));
  }
}

/** Texts that were given to `saveTranscript`: put down part by part, and then named by the log. */
export function convexRawTranscripts(calls: ConvexCalls): RawTranscripts {
  return {
    save: async (key, text) => {
      const parts = splitText(JSON.stringify(text));
      const owner = `raw:${randomUUID()}`;
      const at = { key: keyText(key), owner };
      for (let first = 0; first < parts.length; first += PARTS) {
        const args = { ...at, first, parts: parts.slice(first, first + PARTS) };
        if ((await calls.mutation((api) => api.transcripts.put, args)) !== null) throw noSession(key.sessionId);
      }
      const kept = await calls.mutation((api) => api.transcripts.keep, { ...at, parts: parts.length });
      if (kept !== null) throw noSession(key.sessionId);
      while (await calls.mutation((api) => api.transcripts.clean, { key: at.key }));
    },
    load: async (key) => {
      let owner = "";
      let parts: string[] = [];
      while (true) {
        const page = await calls.query((api) => api.transcripts.read, { key: keyText(key), first: parts.length });
        if (page === null) return null;
        // Another one was saved meanwhile: from the beginning again.
        const isSame = parts.length === 0 || page.owner === owner;
        parts = isSame ? [...parts, ...page.found] : [];
        owner = page.owner;
        if (isSame && parts.length >= page.parts) return { text: parseParts(parts, "a transcript"), seq: page.seq };
      }
    },
  };
}
