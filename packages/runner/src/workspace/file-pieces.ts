import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { FileEntry } from "@hhopkins/agent-runtime-protocol";

/** Some bytes of a file, as commands carry them. */
export interface FilePiece {
  readonly file: FileEntry;
  readonly offset: number;
  readonly data: string;
  readonly last: boolean;
}

/** Joins what comes in pieces: one file after another, so what was begun and not ended is dropped for the next one. */
export class FilePieces {
  #path: string | undefined;
  #parts: Buffer[] = [];

  /** All of its bytes, with the last piece; else undefined. Throws `invalid_request` where one is missing. */
  take({ file, offset, data, last }: FilePiece): Buffer | undefined {
    if (offset === 0 || file.path !== this.#path) this.#parts = [];
    this.#path = file.path;
    const have = this.#parts.reduce((sum, part) => sum + part.length, 0);
    if (offset !== have)
      throw new RuntimeError("invalid_request", `${file.path}: expected offset ${have}, got ${offset}.`);
    this.#parts.push(Buffer.from(data, "base64"));
    if (!last) return undefined;
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    return bytes;
  }
}
