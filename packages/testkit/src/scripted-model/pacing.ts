import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits; rejects with an `AbortError` when the client leaves, so that no timer outlives its request. */
export async function pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms !== undefined && ms > 0) await sleep(ms, undefined, { signal });
}

/** Writes one piece and waits while the client does not read. */
export async function writePiece(response: ServerResponse, piece: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!response.write(piece)) await once(response, "drain", { signal });
}

/** Cuts a text into pieces of so many characters, never through one. */
export function pieces(text: string, size: number): string[] {
  const characters = Array.from(text);
  const result: string[] = [];
  for (let at = 0; at < characters.length; at += size) result.push(characters.slice(at, at + size).join(""));
  return result;
}
