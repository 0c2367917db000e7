/**
 * What goes between the double and the first program of a sandbox: frames of a length (4 bytes), a kind (1), the
 * number of the stream that it belongs to (4), and its bytes.
 */
export const FRAME = {
  /** JSON of `StartRequest`; answered by `started` or `failed`. */
  start: 1,
  /** JSON of a port of the sandbox's loopback; answered by `started` or `failed`. */
  connect: 2,
  /** Each one is answered by `accepted`, as soon as the program's pipe has it. */
  stdin: 3,
  stdinEnd: 4,
  kill: 5,
  /** The first frame of all. */
  ready: 10,
  started: 11,
  failed: 12,
  /** JSON: whether the bytes arrived. */
  accepted: 13,
  stdout: 14,
  stdoutEnd: 15,
  stderr: 16,
  stderrEnd: 17,
  /** JSON of `Exit`. */
  exit: 18,
} as const;

export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

export interface StartRequest {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code?: number;
  /** Number of the signal. */
  readonly signal?: number;
}

export interface Frame {
  readonly kind: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const HEADER = 9;
/** No frame is longer: more is nonsense, and not to be waited for. */
const LONGEST = 8 * 1024 * 1024;

export function encodeFrame(kind: FrameKind, stream: number, payload: Uint8Array | string = ""): Buffer {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  const frame = Buffer.allocUnsafe(HEADER + bytes.length);
  frame.writeUInt32BE(bytes.length, 0);
  frame.writeUInt8(kind, 4);
  frame.writeUInt32BE(stream, 5);
  frame.set(bytes, HEADER);
  return frame;
}

/** Gives whole frames to `onFrame`, whatever the pieces are in which their bytes come. Throws when a frame is too long. */
export function frameReader(onFrame: (frame: Frame) => void): (chunk: Buffer) => void {
  let pieces: Buffer[] = [];
  let held = 0;
  let needed = HEADER;
  return (chunk) => {
    pieces.push(chunk);
    held += chunk.length;
    if (held < needed) return;
    let bytes = pieces.length === 1 ? chunk : Buffer.concat(pieces);
    for (;;) {
      const length = bytes.length < HEADER ? null : bytes.readUInt32BE(0);
      if (length !== null && length > LONGEST) throw new Error(`A frame of ${length} bytes`);
      needed = HEADER + (length ?? 0);
      if (length === null || bytes.length < needed) break;
      onFrame({
        kind: bytes.readUInt8(4),
        stream: bytes.readUInt32BE(5),
        payload: bytes.subarray(HEADER, needed),
      });
      bytes = bytes.subarray(needed);
    }
    pieces = bytes.length === 0 ? [] : [bytes];
    held = bytes.length;
  };
}
