/**
 * A harness's transcript as it was at a checkpoint, for a conversation of its own that goes on from there. It is made of
 * JSON objects, one a line, of which each names its conversation (`sessionId`).
 */
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { eventsBetween } from "./session-history.ts";
import type { Checkpoint, SessionKey, SessionStore, TranscriptPiece } from "./session-store.ts";

export interface TranscriptCopy {
  readonly checkpoint: Checkpoint;
  /** The log's last. */
  readonly lastSeq: number;
  /** Of the copy. */
  readonly nativeSessionId: string;
}

/** Rejects with `conflict` where it is not known how far the transcript went then. Nothing where there was none. */
export async function* copiedTranscript(
  store: SessionStore,
  key: SessionKey,
  copy: TranscriptCopy,
): AsyncGenerator<TranscriptPiece> {
  const { checkpoint, nativeSessionId } = copy;
  let current: string | undefined;
  let isUndated = false;
  let firstDated: number | undefined;
  for await (const { key: name, seq } of store.transcript(key)) {
    isUndated ||= seq === undefined;
    firstDated ??= seq;
    if (isWithin(checkpoint, seq)) current = rootOf(name);
  }
  // Pieces without a number are older than all that have one.
  if (isUndated && checkpoint.seq < (firstDated ?? Infinity)) await checkLast(store, key, copy);
  if (current === undefined) return;
  for await (const { key: name, lines, seq } of store.transcript(key)) {
    if (rootOf(name) !== current || !isWithin(checkpoint, seq)) continue;
    yield {
      key: `${nativeSessionId}${name.slice(current.length)}`,
      lines: lines.map((line) => renamed(line, nativeSessionId)),
    };
  }
}

function isWithin(checkpoint: Checkpoint, seq: number | undefined): boolean {
  return seq === undefined || seq <= checkpoint.seq;
}

/** The conversation that a key belongs to; its subagents' keys stand below it. */
export function rootOf(key: string): string {
  const [root = key] = key.split("/");
  return root;
}

/** Where nothing has begun since, all of it is of then. */
async function checkLast(store: SessionStore, key: SessionKey, { checkpoint, lastSeq }: TranscriptCopy): Promise<void> {
  for await (const { type } of eventsBetween(store, key, { after: checkpoint.seq, upTo: lastSeq })) {
    if (type !== "session:turn:started") continue;
    const message = `How long the agent's transcript was at the end of ${checkpoint.turnId} was not kept: the turn is older than that. Name a later turn; the first that ends from now on has it.`;
    throw new RuntimeError("conflict", message, { field: "body.turnId" });
  }
}

function renamed(line: string, nativeSessionId: string): string {
  try {
    const entry = JSON.parse(line) as unknown;
    if (typeof entry !== "object" || entry === null || !("sessionId" in entry)) return line;
    return JSON.stringify({ ...entry, sessionId: nativeSessionId });
  } catch {
    // The harness leaves out what is no JSON.
    return line;
  }
}
