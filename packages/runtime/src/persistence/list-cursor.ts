import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { SessionListQuery } from "./session-store.ts";

export type ListOrder = NonNullable<SessionListQuery["order"]>;

const Place = z.union([
  z.tuple([z.number().int(), z.string()]),
  z.tuple([z.number().int(), z.string(), z.literal("created")]),
]);

/** A session's place in a list: newest first by the time that the order goes by, then by id. */
export interface ListPlace {
  /** Milliseconds since 1970. */
  readonly sortAt: number;
  readonly sessionId: string;
}

/** When a session was last active, for sorting. */
export function sortTime(record: { lastActivity?: string | undefined; createdAt: string }): number {
  return Date.parse(record.lastActivity ?? record.createdAt);
}

/** A cursor is good for its order alone. */
export function encodeListCursor({ sortAt, sessionId }: ListPlace, order: ListOrder): string {
  const place = order === "activity" ? [sortAt, sessionId] : [sortAt, sessionId, order];
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** Throws `invalid_request` for a text that is no cursor, and for one of another order. */
export function decodeListCursor(cursor: string, order: ListOrder): ListPlace {
  const [sortAt, sessionId, given = "activity"] = parsed(cursor);
  if (given === order) return { sortAt, sessionId };
  const message = `cursor: is of a list with order=${given}, and this one has order=${order}`;
  throw new RuntimeError("invalid_request", message, { field: "cursor" });
}

function parsed(cursor: string): z.infer<typeof Place> {
  try {
    return Place.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch (cause) {
    const message = "cursor: is not one that this server gave";
    throw new RuntimeError("invalid_request", message, { field: "cursor", cause });
  }
}
