import { z } from "zod";
import { Id, Timestamp } from "./primitives.ts";

/**
 * What a token, or who asks, may do. `read`: look and follow. `write`: messages, answers, interrupts, options, files, the
 * queue, sync and unload. `manage`: create, delete, fork, rewind and import sessions, and change profiles.
 */
export const TokenRight = z.enum(["read", "write", "manage"]);
export type TokenRight = z.infer<typeof TokenRight>;

/** Bounds of tokens, in milliseconds. */
export const TOKEN_LIMITS = {
  minExpiresInMs: 1000,
  maxExpiresInMs: 24 * 3_600_000,
  defaultExpiresInMs: 3_600_000,
  maxRenewForMs: 30 * 24 * 3_600_000,
} as const;

/** Body of `POST /tokens`. What is absent is as who asks has it. */
export const CreateTokenBody = z.strictObject({
  /** The only session that the token is for; absent: every one of who asks. */
  sessionId: Id.optional(),
  /** None that who asks lacks. */
  rights: z.array(TokenRight).min(1).max(TokenRight.options.length).optional(),
  /** 1 s to 24 h; 1 h. */
  expiresInMs: z.number().int().min(TOKEN_LIMITS.minExpiresInMs).max(TOKEN_LIMITS.maxExpiresInMs).optional(),
  /** For how long from now the token can get others that live longer, also once it has expired; at most 30 d. Absent: it cannot. */
  renewForMs: z.number().int().min(TOKEN_LIMITS.minExpiresInMs).max(TOKEN_LIMITS.maxRenewForMs).optional(),
});
export type CreateTokenBody = z.infer<typeof CreateTokenBody>;

/** 201 of `POST /tokens`. */
export const CreateTokenAnswer = z.object({
  /** A bearer, like a key. */
  token: z.string(),
  /** Sooner than asked for where a token made it that ends, or cannot be renewed, so far. */
  expiresAt: Timestamp,
  /** Until when the token can get others, also once it has expired; absent: none that live longer than itself. */
  renewableUntil: Timestamp.optional(),
  rights: z.array(TokenRight),
  sessionId: z.string().optional(),
});
export type CreateTokenAnswer = z.infer<typeof CreateTokenAnswer>;
