/** The arguments of writes: batches as the runtime's adapter sends them. */
import { v, type Infer } from "convex/values";

const parts = v.array(v.string());
const maybeText = v.union(v.string(), v.null());
const maybeNumber = v.union(v.number(), v.null());

export const batchFields = {
  /** JSON of tenant and session id. */
  key: v.string(),
  expectedSeq: v.number(),
  lastSeq: v.number(),
  fence: maybeNumber,
  version: v.number(),
  /** Runs of events, each a JSON array in parts. */
  events: v.array(v.object({ last: v.number(), count: v.number(), run: parts })),
  cursor: v.union(v.object({ generation: v.number(), n: v.number() }), v.null()),
  nativeSessionId: maybeText,
  generation: v.number(),
  /** Runs of its pieces, each a JSON array in parts. */
  transcript: v.array(parts),
  blobs: v.array(
    v.object({
      sha256: v.string(),
      start: v.number(),
      length: v.number(),
      total: v.number(),
      inline: v.union(v.bytes(), v.null()),
      bytes: v.array(v.bytes()),
    }),
  ),
  putFiles: v.array(v.object({ pathKey: v.string(), entry: v.string() })),
  deletedFiles: v.array(v.string()),
  filesSeq: v.number(),
  blocks: v.array(
    v.object({
      blockId: v.string(),
      conversation: v.string(),
      position: v.number(),
      block: v.union(parts, v.null()),
    }),
  ),
  messages: v.array(
    v.object({
      messageId: v.string(),
      idempotencyKey: maybeText,
      contentHash: v.string(),
      position: maybeNumber,
    }),
  ),
  /** Absent: as it was. */
  sandbox: v.optional(maybeText),
  snapshot: v.union(parts, v.null()),
  droppedBlobs: v.array(v.string()),
  checkpoint: maybeText,
  record: v.object({
    name: v.optional(v.string()),
    lastActivity: v.optional(v.string()),
    active: v.optional(v.number()),
    sessionOptions: v.optional(v.string()),
    metadata: v.optional(v.string()),
    runtime: v.optional(v.string()),
    loaded: v.optional(v.boolean()),
  }),
};

const batch = v.object(batchFields);
export type Batch = Infer<typeof batch>;
export const batches = v.array(batch);

/** Why something is refused. Then nothing of it was written. */
export type Refusal =
  | { readonly kind: "exists" | "no_session" | "taken_before" }
  | { readonly kind: "wrong_seq"; readonly lastSeq: number }
  | { readonly kind: "stale_fence"; readonly fence: number }
  | { readonly kind: "known_message"; readonly messageId: string }
  | { readonly kind: "compacts_tail"; readonly to: number };
