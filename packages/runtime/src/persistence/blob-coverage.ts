/** Where a stored piece of a blob lies. */
export interface BlobPiece {
  readonly offset: number;
  readonly length: number;
  readonly total: number;
}

/** Bytes that the pieces cover from offset 0 on without a hole. */
export function coveredFromStart(pieces: readonly BlobPiece[]): number {
  let covered = 0;
  for (const { offset, length } of pieces.toSorted((a, b) => a.offset - b.offset)) {
    if (offset > covered) break;
    covered = Math.max(covered, offset + length);
  }
  return covered;
}

/** Whether the pieces make a whole blob; no piece makes none. */
export function isWholeBlob(pieces: readonly BlobPiece[]): boolean {
  const [first] = pieces;
  return first !== undefined && coveredFromStart(pieces) >= first.total;
}
