import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, readlinkSync } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { BLOB_CHUNK_BYTES, INLINE_FILE_BYTES } from "@hhopkins/agent-runtime-protocol";
import { identityOf, isUntouched } from "./scan.ts";
import type { Identity } from "./scan.ts";

/** A file's bytes as of one moment; what happens to the file later does not reach them. */
export interface Snapshot {
  readonly sha256: string;
  readonly size: number;
  readonly identity: Identity;
  /** The text, where it is small and valid UTF-8. */
  readonly text: string | undefined;
  /** The bytes in pieces of `BLOB_CHUNK_BYTES`. */
  chunks(): AsyncIterable<{ offset: number; data: Buffer }>;
  close(): Promise<void>;
}

export interface SnapshotOptions {
  /** Absolute, without symlinks: what the path of the opened file must be. */
  readonly file: string;
  /** As the scan saw it. */
  readonly identity: Identity;
  /** Where a copy of a large file may lie for a moment. */
  readonly spoolFile: string;
}

/** Files up to this size are held in memory, larger ones copied beside the journal. */
const MEMORY_BYTES = 4 * 1024 * 1024;
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The file's bytes; null when it is not the file that the scan saw, or changed while it was read. Throws what `open` throws. */
export async function takeSnapshot(options: SnapshotOptions): Promise<Snapshot | null> {
  if (options.identity.size <= INLINE_FILE_BYTES) return takeSmall(options);
  const handle = await open(options.file, FLAGS);
  try {
    if (!isStill(handle.fd, options)) return null;
    const size = Number(options.identity.size);
    const snapshot = size <= MEMORY_BYTES ? await inMemory(handle, options) : await inSpool(handle, options);
    if (snapshot.size === size && isStill(handle.fd, options)) return snapshot;
    await snapshot.close();
    return null;
  } finally {
    await handle.close();
  }
}

/** Small files are most files, and synchronous calls take a tenth of the time. */
function takeSmall(options: SnapshotOptions): Snapshot | null {
  const fd = openSync(options.file, FLAGS);
  try {
    if (!isStill(fd, options)) return null;
    // One byte more than expected, to see that it has not grown.
    const buffer = Buffer.allocUnsafe(Number(options.identity.size) + 1);
    let size = 0;
    for (let read = -1; read !== 0 && size < buffer.length; size += read) {
      read = readSync(fd, buffer, size, buffer.length - size, size);
    }
    if (BigInt(size) !== options.identity.size || !isStill(fd, options)) return null;
    return ofBytes(buffer.subarray(0, size), options.identity);
  } finally {
    closeSync(fd);
  }
}

/** Also catches a parent that was swapped for a symlink: where the system can tell, the opened path must be the asked one. */
function isStill(fd: number, { file, identity }: SnapshotOptions): boolean {
  const stats = fstatSync(fd, { bigint: true });
  if (!stats.isFile() || !isUntouched(identityOf(stats), identity)) return false;
  if (process.platform !== "linux") return true;
  return readlinkSync(`/proc/self/fd/${fd}`) === file;
}

async function* readChunks(handle: FileHandle): AsyncIterable<{ offset: number; data: Buffer }> {
  for (let offset = 0; ;) {
    const data = Buffer.allocUnsafe(BLOB_CHUNK_BYTES);
    let filled = 0;
    while (filled < data.length) {
      const { bytesRead } = await handle.read(data, filled, data.length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled > 0) yield { offset, data: data.subarray(0, filled) };
    if (filled < data.length) return;
    offset += filled;
  }
}

async function inMemory(handle: FileHandle, { identity }: SnapshotOptions): Promise<Snapshot> {
  const parts: Buffer[] = [];
  for await (const { data } of readChunks(handle)) {
    parts.push(data);
    // A file that grows while it is read is given up, not followed.
    if (parts.length * BLOB_CHUNK_BYTES > MEMORY_BYTES + BLOB_CHUNK_BYTES) break;
  }
  return ofBytes(Buffer.concat(parts), identity);
}

function ofBytes(bytes: Buffer, identity: Identity): Snapshot {
  return {
    sha256: createHash("sha256").update(bytes).digest("hex"),
    size: bytes.length,
    identity,
    text: bytes.length <= INLINE_FILE_BYTES ? textOf(bytes) : undefined,
    async *chunks() {
      for (let offset = 0; offset < bytes.length; offset += BLOB_CHUNK_BYTES) {
        yield { offset, data: bytes.subarray(offset, offset + BLOB_CHUNK_BYTES) };
      }
    },
    async close() {},
  };
}

async function inSpool(handle: FileHandle, { identity, spoolFile }: SnapshotOptions): Promise<Snapshot> {
  const spool = await open(spoolFile, "w+", 0o600);
  try {
    const hash = createHash("sha256");
    let size = 0;
    for await (const { data } of readChunks(handle)) {
      hash.update(data);
      size += data.length;
      if (size > identity.size) break;
      await spool.write(data, 0, data.length);
    }
    const close = async () => {
      await spool.truncate(0);
      await spool.close();
    };
    return { sha256: hash.digest("hex"), size, identity, text: undefined, chunks: () => readChunks(spool), close };
  } catch (error) {
    await spool.close();
    throw error;
  }
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
