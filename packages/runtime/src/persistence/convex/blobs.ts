import type { FunctionReturnType } from "convex/server";
import { joinedBytes, type BlobPart } from "../blob-bytes.ts";
import { coveredFromStart, isWholeBlob } from "../blob-coverage.ts";
import type { SessionKey, SessionStore } from "../session-store.ts";
import { noSession } from "../store-errors.ts";
import type { ConvexApi, ConvexCalls } from "./client.ts";
import { keyText } from "./wire.ts";

type Piece = FunctionReturnType<ConvexApi["files"]["pieces"]>["found"][number];

/** Bytes of blobs: where their pieces lie is read first, and each piece when it is asked for. */
export function convexBlobs(calls: ConvexCalls): Pick<SessionStore, "blob" | "blobSize"> {
  return {
    blob: (key, sha256) => joinedBytes(parts(calls, key, sha256)),
    blobSize: async (key, sha256) => coveredFromStart((await piecesOf(calls, key, sha256)).map(placeOf)),
  };
}

function placeOf({ start, length, total }: Piece): { offset: number; length: number; total: number } {
  return { offset: start, length, total };
}

async function piecesOf(calls: ConvexCalls, key: SessionKey, sha256: string): Promise<Piece[]> {
  const found: Piece[] = [];
  for (let more = true; more;) {
    const last = found.at(-1);
    const args = { key: keyText(key), sha256, from: last === undefined ? 0 : last.start + 1 };
    const page = await calls.query((api) => api.files.pieces, args);
    found.push(...page.found);
    more = page.more;
  }
  return found;
}

async function* parts(calls: ConvexCalls, key: SessionKey, sha256: string): AsyncGenerator<BlobPart> {
  const pieces = await piecesOf(calls, key, sha256);
  if (!isWholeBlob(pieces.map(placeOf))) return;
  for (const { start, inline, bytes } of pieces) {
    if (inline !== null) yield { offset: start, bytes: new Uint8Array(inline) };
    let offset = start;
    for (const id of bytes) {
      const piece = await calls.query((api) => api.files.bytes, { key: keyText(key), id });
      if (piece === null) throw noSession(key.sessionId);
      yield { offset, bytes: new Uint8Array(piece) };
      offset += piece.byteLength;
    }
  }
}
