import { closeSync, ftruncateSync, openSync, readFileSync, readdirSync, unlinkSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A file of consecutive entries, one a line; its name says the number of the first. */
export interface Segment {
  readonly file: string;
  readonly first: number;
  /** Entries in it. */
  count: number;
  bytes: number;
}

const NAME = /^(\d{12})\.ndjson$/;
const NEWLINE = 0x0a;

/** The segments of a folder in order. A line that was torn by a crash is cut off: nobody has seen it. */
export function loadSegments(folder: string): Segment[] {
  const names = readdirSync(folder).filter((name) => NAME.test(name));
  return names.toSorted().map((name) => {
    const file = join(folder, name);
    const { bytes, count } = wholeLines(file);
    return { file, first: Number(name.slice(0, 12)), count, bytes };
  });
}

function wholeLines(file: string): { bytes: number; count: number } {
  const data = readFileSync(file);
  let count = 0;
  for (let at = data.indexOf(NEWLINE); at !== -1; at = data.indexOf(NEWLINE, at + 1)) count++;
  const bytes = data.lastIndexOf(NEWLINE) + 1;
  if (bytes < data.length) truncate(file, bytes);
  return { bytes, count };
}

function truncate(file: string, bytes: number): void {
  const fd = openSync(file, "r+");
  try {
    ftruncateSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

export function segmentFile(folder: string, first: number): string {
  return join(folder, `${String(first).padStart(12, "0")}.ndjson`);
}

/** Appends lines to one segment. A write that fails half way leaves nothing behind. */
export function openSegment(segment: Segment): { write(line: Buffer): void; close(): void } {
  const fd = openSync(segment.file, "a", 0o600);
  return {
    write(line) {
      try {
        for (let at = 0; at < line.length;) at += writeSync(fd, line, at);
      } catch (error) {
        ftruncateSync(fd, segment.bytes);
        throw error;
      }
      segment.bytes += line.length;
      segment.count++;
    },
    close() {
      closeSync(fd);
    },
  };
}

/** The lines of `segment` after entry `after`, as they stand in the file. */
export async function readSegment(segment: Segment, after: number): Promise<Buffer> {
  const { bytes } = segment;
  const data = (await readFile(segment.file)).subarray(0, bytes);
  let from = 0;
  for (let n = segment.first; n <= after && from < bytes; n++) from = data.indexOf(NEWLINE, from) + 1;
  return data.subarray(from);
}

export function deleteSegment(segment: Segment): void {
  unlinkSync(segment.file);
}
