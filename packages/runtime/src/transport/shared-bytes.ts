import type { LogFrame } from "../log/frame.ts";

/** Characters of payload in one piece: who reads slowly has to hold no more of it than that. */
const PIECE_CHARS = 256 * 1024;

interface Piece {
  readonly first: LogFrame;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/**
 * Frames as the bytes that go out, in pieces of bounded size. Clients that follow the same session are sent the same
 * frames: they are encoded once, and every client's socket is given the same bytes in one write.
 */
export function sharedBytes(
  encode: (frames: readonly LogFrame[], logId: string) => Uint8Array,
): (frames: readonly LogFrame[], logId: string) => Iterable<Uint8Array> {
  /** By its last frame; a frame is of one log. */
  const known = new WeakMap<LogFrame, Piece>();

  function bytesOf(piece: readonly LogFrame[], logId: string): Uint8Array {
    const [first] = piece;
    const last = piece.at(-1);
    if (first === undefined || last === undefined) return new Uint8Array();
    const before = known.get(last);
    if (before?.first === first && before.count === piece.length) return before.bytes;
    const bytes = encode(piece, logId);
    known.set(last, { first, count: piece.length, bytes });
    return bytes;
  }

  return function* (frames, logId) {
    let start = 0;
    let chars = 0;
    for (const [index, { data }] of frames.entries()) {
      if (index > start && chars + data.length > PIECE_CHARS) {
        yield bytesOf(frames.slice(start, index), logId);
        start = index;
        chars = 0;
      }
      chars += data.length;
    }
    if (start < frames.length) yield bytesOf(frames.slice(start), logId);
  };
}
