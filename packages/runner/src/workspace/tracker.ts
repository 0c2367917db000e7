import { createHash } from "node:crypto";
import { join } from "node:path";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { INLINE_FILE_BYTES, manifestText } from "@hhopkins/agent-runtime-protocol";
import type {
  CommandBody,
  EntryBody,
  FileList,
  FileRefusal,
  FileReport,
  SyncReport,
} from "@hhopkins/agent-runtime-protocol";
import type { Log } from "../log.ts";
import { removeByHand, writeByHand } from "./change-by-hand.ts";
import { changesOf } from "./changes.ts";
import type { Known } from "./changes.ts";
import { FilePieces, type FilePiece } from "./file-pieces.ts";
import { putEntry } from "./put.ts";
import { reportChange } from "./report.ts";
import { listKnown, resendBlobs } from "./resend.ts";
import { scanWorkspace } from "./scan.ts";
import { createSchedule } from "./schedule.ts";
import { createWatcher } from "./watcher.ts";

export interface TrackerOptions {
  /** The workspace, an absolute path without symlinks. */
  readonly root: string;
  /** The runner's own folder. */
  readonly state: string;
  readonly append: (body: EntryBody) => Promise<unknown>;
  /** Entries were found whose names cannot be told to a server; called once. */
  readonly onSkipped: (count: number) => Promise<void>;
  readonly log: Log;
  /** Number of the newest entry. */
  readonly last: () => number;
}

export type FilePut = Extract<CommandBody, { kind: "file:put" }>;

/** Tells the server what becomes of the workspace: each change once, in order, with the bytes. */
export interface Tracker {
  /** Puts a piece of a file; the last one puts the file. What was put is known, so nothing is told of it. */
  put(command: FilePut): Promise<void>;
  /** Writes a piece of a file that a person gives; the last one writes the file, and it is told before the answer. */
  write(command: FilePiece): Promise<FileReport>;
  /** Removes a file for a person; told before the answer. */
  remove(path: string): Promise<FileReport>;
  /** From now on changes are told. Whatever differs from what was put is told at once. */
  begin(limits: { ignore: readonly string[]; maxFileBytes: number }): Promise<void>;
  /** Looks at everything; resolves when all that was found is journalled. */
  scan(): Promise<void>;
  /**
   * As `scan`, and waits out the time in which a second write could hide behind the first one's time stamp.
   * Answers what a server must know of the workspace once it has the entries up to `last`.
   */
  sync(): Promise<SyncReport>;
  /** Sends blobs once more that were kept wrong. */
  resend(blobs: readonly string[]): Promise<void>;
  /** What is known of the workspace, from after a path on. */
  list(after: string | undefined): FileList;
  /** A turn runs: looks more often. */
  setBusy(busy: boolean): void;
  stop(): Promise<void>;
}

/** More changes at once are a burst: their contents are not worth a place in every client's state. */
const BURST = 200;
/** Small files are read synchronously: so many, then everybody else has a turn. */
const PORTION = 64;
const PASSES = 3;
const SETTLE_MS = 30;

export function createTracker(options: TrackerOptions): Tracker {
  const { root, log, append } = options;
  const spoolFile = join(options.state, "spool");
  const known = new Map<string, Known>();
  const sent = new Set<string>();
  const pieces = new FilePieces();
  let limits: { ignore: ReadonlySet<string>; maxFileBytes: number } | null = null;
  let toldSkipped = false;
  let stopped = false;
  let queue: Promise<unknown> = Promise.resolve();
  const schedule = createSchedule(() =>
    alone(pass).then(reschedule, (error: unknown) => log("workspace: scan failed", error)),
  );
  const watcher = createWatcher(root, schedule.soon);

  /** Scans and puts one after another. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  }

  function reschedule(again: boolean): void {
    if (again) schedule.soon();
    schedule.setPolling(!watcher.complete);
  }

  /** One look at everything. Answers whether something changed under it or may still hide. */
  async function pass(): Promise<boolean> {
    if (limits === null || stopped) return false;
    const { ignore, maxFileBytes } = limits;
    const scan = await scanWorkspace({ root, ignore, onDirectory: watcher.add });
    watcher.keep(scan.directories);
    const { deleted, changed } = changesOf(scan, known);
    let again = false;
    for (const path of deleted) {
      await append({ kind: "file:deleted", path });
      known.delete(path);
    }
    const blobsOnly = changed.length > BURST;
    const context = { root, maxFileBytes, spoolFile, sent, blobsOnly, append };
    for (const [index, { path, seen }] of changed.entries()) {
      if (index % PORTION === PORTION - 1) await setImmediate();
      const now = await reportChange({ path, seen, before: known.get(path) }, context);
      if (now !== null) known.set(path, now);
      again ||= now === null || now.fresh;
    }
    if (scan.skipped > 0 && !toldSkipped) {
      toldSkipped = true;
      await options.onSkipped(scan.skipped);
    }
    return again;
  }

  async function passes(settled: boolean): Promise<void> {
    for (let tries = 1; ; tries++) {
      const again = await pass();
      if (!again || !settled || tries === PASSES) return reschedule(again);
      await sleep(SETTLE_MS);
    }
  }

  async function put(piece: FilePut): Promise<void> {
    const { file } = piece;
    const bytes = pieces.take(piece);
    if (bytes === undefined) return;
    const seen = await putEntry(root, file, bytes);
    // As the server knows it, so that both compute the same manifest.
    known.set(file.path, { entry: file, identity: seen.identity, omitted: false, fresh: false });
    if (file.sha256 !== undefined && bytes.length > INLINE_FILE_BYTES) sent.add(file.sha256);
  }

  /** What a person does is told as what the agent does. */
  async function byHand(work: () => Promise<FileRefusal | undefined>): Promise<FileReport> {
    const refused = await work();
    await passes(false);
    return { last: options.last(), ...(refused === undefined ? {} : { refused }) };
  }

  async function write(piece: FilePiece): Promise<FileReport> {
    const { file } = piece;
    const bytes = pieces.take(piece);
    if (bytes === undefined) return { last: options.last() };
    // The server has them.
    if (file.sha256 !== undefined) sent.add(file.sha256);
    return byHand(() => writeByHand(root, file, bytes));
  }

  return {
    put: (command) => alone(() => put(command)),
    write: (command) => alone(() => write(command)),
    remove: (path) => alone(() => byHand(() => removeByHand(root, path))),
    begin({ ignore, maxFileBytes }) {
      limits = { ignore: new Set(ignore), maxFileBytes };
      return alone(() => passes(false));
    },
    scan: () => alone(() => passes(false)),
    sync: () =>
      alone(async () => {
        await passes(true);
        const text = manifestText([...known.values()].map(({ entry }) => entry));
        return { last: options.last(), count: known.size, manifest: createHash("sha256").update(text).digest("hex") };
      }),
    resend: (blobs) => alone(() => resendBlobs(blobs, { root, spoolFile, known, append })),
    list: (after) => listKnown(known, after),
    setBusy: schedule.setBusy,
    async stop() {
      stopped = true;
      schedule.stop();
      watcher.close();
      await queue;
    },
  };
}
