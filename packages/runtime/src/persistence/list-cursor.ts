import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";

const Place = z.tuple([z.number().int(), z.string()]);

/** A session's place in a list: newest activity first, then by id. */
export interface ListPlace {
  /** Milliseconds since 1970. */
  readonly sortAt: number;
  readonly sessionId: string;
}

/** When a session was last active, for sorting. */
export function sortTime(record: { lastActivity?: string | undefined; createdAt: string }): number {
  return Date.parse(record.lastActivity ?? record.createdAt);
}

export function encodeListCursor({ sortAt, sessionId }: ListPlace): string {
  return Buffer.from(JSON.stringify([sortAt, sessionId])).toString("base64url");
}

/** Throws `invalid_request` for a text that is no cursor. */
export function decodeListCursor(cursor: string): ListPlace {
  try {
    const [sortAt, sessionId] = Place.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
    return { sortAt, sessionId };
  } catch (cause) {
    const message = "cursor: is not one that this server gave";
    throw new RuntimeError("invalid_request", message, { field: "cursor", cause });
  }
}
