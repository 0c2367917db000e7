/**
 * What goes over the line between the server and the bridge in a sandbox: frames of a type (1 byte), the number of a
 * stream (4 bytes, 0: the line itself), a length (4 bytes) and so many bytes. No zod here: the bridge is to start fast.
 */
export const FRAME = {
  /** Bridge to server, first of all: JSON of `Hello`. */
  hello: 1,
  /** Server to bridge: the name of a channel whose socket the bridge is to listen on. */
  listen: 2,
  /** Server to bridge: no longer. */
  unlisten: 3,
  /** Bridge to server: somebody has connected; the name of the channel. */
  open: 4,
  data: 5,
  /** No more data from this side. */
  end: 6,
  /** Both ways are cut. */
  reset: 7,
  /** So many bytes more may be sent on the stream: 4 bytes. */
  credit: 8,
  ping: 9,
  pong: 10,
  /** Bridge to server: a newer bridge has taken over. */
  replaced: 11,
  /** Server to bridge: a program that starts programs is to dial the channel `exec`. */
  supervise: 12,
  /** Bridge to server: the channel's socket can be dialled now. */
  listening: 13,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

export interface Frame {
  readonly type: FrameType;
  readonly stream: number;
  readonly payload: Buffer;
}

export const LINE_VERSION = 1;

const HEADER_BYTES = 9;
export const MAX_PAYLOAD = 64 * 1024;
const TYPES: ReadonlySet<number> = new Set(Object.values(FRAME));
const EMPTY = Buffer.alloc(0);

export function encodeFrame(type: FrameType, stream: number, payload: Uint8Array = EMPTY): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt32BE(stream, 1);
  frame.writeUInt32BE(payload.length, 5);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

export function encodeCredit(stream: number, bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(bytes, 0);
  return encodeFrame(FRAME.credit, stream, payload);
}

/** Cuts bytes into frames. Keeps at most one frame. */
export class FrameReader {
  #rest: Buffer = EMPTY;

  /** The frames that are complete now. Throws where this is no line of ours. */
  push(chunk: Uint8Array): Frame[] {
    let bytes = this.#rest.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    while (bytes.length >= HEADER_BYTES) {
      const type = bytes.readUInt8(0);
      const length = bytes.readUInt32BE(5);
      if (!TYPES.has(type)) throw new Error(`There is no frame of type ${type}`);
      if (length > MAX_PAYLOAD) throw new Error(`A frame of ${length} bytes is longer than ${MAX_PAYLOAD}`);
      if (bytes.length < HEADER_BYTES + length) break;
      const payload = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length);
      frames.push({ type: type as FrameType, stream: bytes.readUInt32BE(1), payload });
      bytes = bytes.subarray(HEADER_BYTES + length);
    }
    // A copy, so that a large chunk is not kept for its last bytes.
    this.#rest = Buffer.from(bytes);
    return frames;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
