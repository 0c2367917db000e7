import { z } from "zod";
import type { SessionKey } from "../persistence/session-store.ts";

const Tail = z.tuple([z.string(), z.string(), z.number().int().nonnegative()]);
const Key = z.tuple([z.string(), z.string()]);

/** What a node can tell the others; `from` is its id. Fields are short: a database's own bus takes a few thousand bytes. */
const Note = z.discriminatedUnion("is", [
  /** Logs have grown: tenant, session, last seq. */
  z.object({ is: z.literal("tails"), from: z.string(), tails: z.array(Tail) }),
  /** A session is no more. */
  z.object({ is: z.literal("gone"), from: z.string(), key: Key }),
  /** A command waits for a session that the node `to` runs. */
  z.object({ is: z.literal("command"), from: z.string(), to: z.string() }),
  /** Commands that the node `to` sent are answered. */
  z.object({ is: z.literal("answer"), from: z.string(), to: z.string(), ids: z.array(z.string()) }),
  /** What a list shows of a session has changed: as it is now, where that fits. */
  z.object({ is: z.literal("listed"), from: z.string(), key: Key, item: z.unknown().optional() }),
  /** Nothing: so that a node that has nothing to say knows whether it could. */
  z.object({ is: z.literal("here"), from: z.string() }),
  /** A session has no node any more. */
  z.object({ is: z.literal("free"), from: z.string() }),
]);
export type Note = z.infer<typeof Note>;

/** A note without its sender. */
export type NoteBody = { [K in Note["is"]]: Omit<Extract<Note, { is: K }>, "from"> }[Note["is"]];

/** null: it is none that this version knows. */
export function parsedNote(text: string): Note | null {
  try {
    return Note.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Texts of at most `maxBytes` that say where logs end. A session whose ids alone are longer is left to polling. */
export function tailTexts(from: string, tails: readonly z.infer<typeof Tail>[], maxBytes: number): string[] {
  const text = JSON.stringify({ is: "tails", from, tails: [...tails] } satisfies Note);
  if (Buffer.byteLength(text) <= maxBytes) return [text];
  if (tails.length <= 1) return [];
  const half = Math.ceil(tails.length / 2);
  return [...tailTexts(from, tails.slice(0, half), maxBytes), ...tailTexts(from, tails.slice(half), maxBytes)];
}

export function noteKey([tenant, sessionId]: readonly [string, string]): SessionKey {
  return { tenant, sessionId };
}
