/** A stored piece with its bytes. */
export interface BlobPart {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Bytes of pieces that lie in order and may overlap, each byte once. */
export async function* joinedBytes(parts: Iterable<BlobPart> | AsyncIterable<BlobPart>): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const { offset, bytes } of parts) {
    const fresh = bytes.subarray(Math.max(0, at - offset));
    if (fresh.byteLength === 0) continue;
    at += fresh.byteLength;
    yield new Uint8Array(fresh);
  }
}

/** All bytes of a stream in one piece. */
export async function collectBytes(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}
