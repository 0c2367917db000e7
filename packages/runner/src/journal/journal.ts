import { mkdirSync } from "node:fs";
import { encodeLine } from "@hhopkins/agent-runtime-protocol";
import type { Entry, EntryBody } from "@hhopkins/agent-runtime-protocol";
import { failpoint } from "../failpoint.ts";
import type { Log } from "../log.ts";
import { createTail } from "./tail.ts";
import { deleteSegment, loadSegments, openSegment, readSegment, segmentFile } from "./segment.ts";
import type { Segment } from "./segment.ts";

export interface JournalOptions {
  readonly folder: string;
  /** Bytes of entries that may wait for an acknowledgement. */
  readonly maxBytes: number;
  readonly log: Log;
  /** Bytes kept in memory. */
  readonly tailBytes?: number;
  readonly segmentBytes?: number;
  /** Milliseconds between tries while the disk is full. */
  readonly retryMs?: number;
}

/**
 * Everything that the runner has to say, numbered from 1, on disk before anybody sees it, kept until a server has it.
 * A line of the journal is a line of the wire.
 */
export interface Journal {
  /** Number of the newest entry; 0 before the first. */
  readonly last: number;
  /** Every entry up to here is saved by a server. */
  readonly acked: number;
  /** Number of the oldest entry that can still be sent. */
  readonly first: number;
  /** Appends in the order of the calls. Resolves with the entry's number once it is written, which may have to wait for room. */
  append(body: EntryBody): Promise<number>;
  /** Entries up to `n` are saved and may be forgotten. */
  ackTo(n: number): void;
  /** Lines from `after + 1` on, some at a time; null when there are none yet. */
  read(after: number): Promise<{ data: Buffer; last: number } | null>;
  /** Calls `listener` after every append; answers how to stop it. */
  onAppend(listener: () => void): () => void;
  close(): void;
}

const READ_BYTES = 256 * 1024;

export function openJournal(options: JournalOptions): Journal {
  const { folder, maxBytes, log, retryMs = 1_000 } = options;
  const segmentBytes = options.segmentBytes ?? Math.min(1024 * 1024, Math.ceil(maxBytes / 8));
  mkdirSync(folder, { recursive: true });
  const segments: Segment[] = loadSegments(folder);
  const tail = createTail(options.tailBytes ?? 1024 * 1024);
  const listeners = new Set<() => void>();
  const waiting: { body: EntryBody; taken: (n: number) => void }[] = [];
  let active = segments.at(-1) ?? addSegment(1);
  let writer = openSegment(active);
  let bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  let last = active.first + active.count - 1;
  let acked = (segments[0]?.first ?? 1) - 1;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  function addSegment(first: number): Segment {
    const segment: Segment = { file: segmentFile(folder, first), first, count: 0, bytes: 0 };
    segments.push(segment);
    return segment;
  }

  /** The new file comes before an old one goes, so the numbering can always be read off the folder. */
  function rotate(): void {
    const next: Segment = { file: segmentFile(folder, last + 1), first: last + 1, count: 0, bytes: 0 };
    const nextWriter = openSegment(next);
    segments.push(next);
    writer.close();
    active = next;
    writer = nextWriter;
  }

  function write(body: EntryBody): number {
    if (active.bytes >= segmentBytes) rotate();
    const entry: Entry = { type: "entry", n: last + 1, body };
    const line = Buffer.from(encodeLine(entry));
    failpoint("journal:before");
    writer.write(line);
    failpoint("journal:after");
    bytes += line.length;
    last = entry.n;
    tail.push(entry.n, line);
    for (const listener of listeners) listener();
    return entry.n;
  }

  /** One entry always fits, so that an entry larger than the whole bound is no deadlock. */
  function hasRoom(): boolean {
    return bytes < maxBytes || acked === last;
  }

  function pump(): void {
    if (retry !== undefined || closed) return;
    try {
      for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
        if (!hasRoom()) forgetAcked(true);
        if (!hasRoom()) return;
        const n = write(next.body);
        waiting.shift();
        next.taken(n);
      }
    } catch (error) {
      log("journal: cannot write, trying again", error);
      retry = setTimeout(() => {
        retry = undefined;
        pump();
      }, retryMs);
    }
  }

  /** Deletes segments that are saved as a whole; the active one too where it is large enough, or `all` are wanted. */
  function forgetAcked(all: boolean): void {
    if (acked === last && active.bytes > (all ? 0 : segmentBytes / 2)) rotate();
    for (let oldest = segments[0]; oldest !== undefined && oldest !== active; oldest = segments[0]) {
      if (oldest.first + oldest.count - 1 > acked) break;
      deleteSegment(oldest);
      bytes -= oldest.bytes;
      segments.shift();
    }
  }

  return {
    get last() {
      return last;
    },
    get acked() {
      return acked;
    },
    get first() {
      return acked + 1;
    },
    append(body) {
      return new Promise((taken) => {
        waiting.push({ body, taken });
        if (waiting.length === 1) pump();
      });
    },
    ackTo(n) {
      if (n <= acked) return;
      acked = Math.min(n, last);
      tail.drop(acked);
      try {
        forgetAcked(false);
      } catch (error) {
        log("journal: cannot delete what is saved", error);
      }
      pump();
    },
    async read(after) {
      if (after >= last) return null;
      const recent = tail.read(after, READ_BYTES);
      if (recent !== null) return recent;
      const segment = segments.findLast(({ first }) => first <= after + 1);
      if (segment === undefined) return null;
      const through = segment.first + segment.count - 1;
      const data = await readSegment(segment, after);
      return { data, last: through };
    },
    onAppend(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closed = true;
      clearTimeout(retry);
      writer.close();
    },
  };
}
