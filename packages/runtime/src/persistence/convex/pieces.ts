import type { Batch } from "./functions/batches.ts";

/** What one transaction writes, where several fit: far below the 16 MiB that Convex allows. */
const GROUP_BYTES = 4 * 1024 * 1024;
/** Looks into indexes that one transaction makes; Convex allows 4,096, and arrays of 8,192. */
const GROUP_LOOKUPS = 1_500;
/** What a batch costs beside its own texts: its log's and its session's documents, read and written. */
const BASE_BYTES = 10_000;
const BASE_LOOKUPS = 4;

/** What a part of a batch costs. */
interface Cost {
  readonly bytes: number;
  readonly lookups: number;
}

/** A batch, or the beginning of one, on its way. */
export interface Piece {
  readonly batch: Batch;
  readonly cost: Cost;
  /** More of the same batch follows. */
  readonly partial: boolean;
}

/**
 * A batch in pieces that fit into a transaction: one, as a rule. Of a larger one files, bytes and blocks go first, in
 * pieces that move neither the log nor the cursor; whoever is cut off in between writes the same again.
 */
export function piecesOf(batch: Batch): Piece[] {
  const whole = costOf(batch);
  if (fits(whole)) return [{ batch, cost: whole, partial: false }];
  const pieces: Piece[] = [];
  const rest: Batch = { ...batch, putFiles: [], deletedFiles: [], blobs: [], blocks: [], droppedBlobs: [] };
  const begin = (): Batch => ({ ...nothingOf(batch), putFiles: [], deletedFiles: [], blobs: [], blocks: [] });
  let open = begin();
  let cost: Cost = { bytes: BASE_BYTES, lookups: BASE_LOOKUPS };
  const close = (): void => {
    pieces.push({ batch: open, cost, partial: true });
    open = begin();
    cost = { bytes: BASE_BYTES, lookups: BASE_LOOKUPS };
  };
  if (batch.droppedBlobs.length > 0) open = { ...open, droppedBlobs: batch.droppedBlobs };
  for (const [name, items] of bulk(batch)) {
    for (const item of items) {
      const more = costOfItem(item);
      if (!fits(sum(cost, more))) close();
      open[name].push(item as never);
      cost = sum(cost, more);
    }
  }
  close();
  pieces.push({ batch: rest, cost: costOf(rest), partial: false });
  return pieces;
}

type Bulk = "putFiles" | "deletedFiles" | "blobs" | "blocks";
type Item = Batch[Bulk][number];

function bulk(batch: Batch): [Bulk, readonly Item[]][] {
  const put = new Set(batch.putFiles.map(({ pathKey }) => pathKey));
  return [
    // Bytes before the files that name them; what is looked up by name in its order, so that a piece lies close together.
    ["blobs", batch.blobs],
    ["putFiles", batch.putFiles.toSorted((a, b) => (a.pathKey < b.pathKey ? -1 : 1))],
    ["deletedFiles", batch.deletedFiles.filter((pathKey) => !put.has(pathKey)).toSorted()],
    ["blocks", batch.blocks.toSorted((a, b) => (a.blockId < b.blockId ? -1 : 1))],
  ];
}

/** The same batch that says nothing. */
function nothingOf(batch: Batch): Batch {
  const { sandbox: _sandbox, ...rest } = batch;
  return {
    ...rest,
    lastSeq: batch.expectedSeq,
    events: [],
    cursor: null,
    nativeSessionId: null,
    generation: 0,
    transcript: [],
    messages: [],
    snapshot: null,
    droppedBlobs: [],
    checkpoint: null,
    record: {},
  };
}

/** Pieces in order, so many together as fit into one transaction; one that others of its batch follow is alone. */
export function groupsOf(pieces: readonly Piece[]): Piece[][] {
  const groups: Piece[][] = [];
  let cost: Cost | null = null;
  for (const piece of pieces) {
    const next: Cost | null = cost === null ? null : sum(cost, piece.cost);
    if (next !== null && fits(next) && !piece.partial) {
      groups[groups.length - 1]?.push(piece);
      cost = next;
    } else {
      groups.push([piece]);
      cost = piece.partial ? null : piece.cost;
    }
  }
  return groups;
}

function fits({ bytes, lookups }: Cost): boolean {
  return bytes <= GROUP_BYTES && lookups <= GROUP_LOOKUPS;
}

function sum(a: Cost, b: Cost): Cost {
  return { bytes: a.bytes + b.bytes, lookups: a.lookups + b.lookups };
}

function costOf(batch: Batch): Cost {
  const items = bulk(batch).flatMap(([, all]) => all.map(costOfItem));
  const own = [...batch.events.map(({ run }) => run), ...batch.transcript, batch.snapshot ?? []];
  const bytes = own.reduce((total, parts) => total + sizeOf(parts), sizeOf([JSON.stringify(batch.record)]));
  const lookups = BASE_LOOKUPS + 2 * batch.messages.length + batch.droppedBlobs.length;
  return items.reduce(sum, { bytes: BASE_BYTES + bytes, lookups });
}

function costOfItem(item: Item): Cost {
  if (typeof item === "string") return { bytes: 500, lookups: 1 };
  if ("pathKey" in item) return { bytes: 500 + sizeOf([item.entry]), lookups: 1 };
  if ("sha256" in item) return { bytes: 500 + item.length, lookups: 1 };
  return { bytes: 500 + sizeOf(item.block ?? []), lookups: 2 };
}

function sizeOf(parts: readonly string[]): number {
  return parts.reduce((total, part) => total + Buffer.byteLength(part), 0);
}
