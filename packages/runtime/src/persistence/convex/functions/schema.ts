/**
 * Tables of the agent runtime. Spread them into your schema:
 * `export default defineSchema({ ...agentRuntimeTables, … })`.
 */
import { defineSchema, defineTable, type DataModelFromSchemaDefinition } from "convex/server";
import { v } from "convex/values";

const maybeText = v.union(v.string(), v.null());
const maybeNumber = v.union(v.number(), v.null());
const log = v.id("agentRuntimeLogs");
/** The first part of a text, and how many more parts are in `agentRuntimeTexts`. */
const text = { text: v.string(), more: v.number() };

/** Of a session's record. */
export const recordFields = {
  type: v.string(),
  profile: v.string(),
  name: maybeText,
  createdAt: v.string(),
  lastActivity: maybeText,
  /** Milliseconds: the last activity, or else the creation. */
  active: v.number(),
  /** Milliseconds. */
  created: v.number(),
  sessionOptions: maybeText,
  metadata: maybeText,
  runtime: v.string(),
};

export const agentRuntimeTables = {
  /** Where a session's log stands. Its id is what everything else of the session belongs to. */
  agentRuntimeLogs: defineTable({
    /** JSON of tenant and session id. */
    key: v.string(),
    tenant: v.string(),
    sessionId: v.string(),
    logId: v.string(),
    lastSeq: v.number(),
    compactedTo: v.number(),
    cursor: v.union(v.object({ generation: v.number(), n: v.number() }), v.null()),
    nativeSessionId: maybeText,
    generation: v.number(),
    /** Runs of the harness's transcript. */
    transcripts: v.number(),
    /** JSON. */
    sandbox: maybeText,
    loaded: v.boolean(),
    /** It is loaded, or has a sandbox. */
    held: v.boolean(),
    snapshot: v.union(v.object({ version: v.number(), parts: v.number() }), v.null()),
    /** What `saveTranscript` was given, and the log's last seq then. */
    raw: v.union(v.object({ owner: v.string(), parts: v.number(), seq: v.number() }), v.null()),
    /** Who has the lease, whether it lives or not. */
    node: maybeText,
    fence: v.number(),
    /** A command waits for it. */
    asked: v.boolean(),
    /** It is held or asked. */
    wanted: v.boolean(),
  })
    .index("by_key", ["key"])
    .index("by_held", ["held", "key"])
    .index("by_node", ["node", "key"])
    .index("by_asked", ["asked", "node", "key"])
    .index("by_wanted", ["wanted", "node", "key"]),

  /** A session's record, and what lists show of it. Texts that people choose are JSON texts. */
  agentRuntimeSessions: defineTable({
    log,
    tenant: v.string(),
    sessionId: v.string(),
    ...recordFields,
    loaded: v.boolean(),
  })
    .index("by_log", ["log"])
    .index("by_active", ["tenant", "active", "sessionId"])
    .index("by_created", ["tenant", "created", "sessionId"])
    .index("by_loaded_active", ["tenant", "loaded", "active", "sessionId"])
    .index("by_loaded_created", ["tenant", "loaded", "created", "sessionId"]),

  /** Runs of events: what one write brought, and compaction has left. The text is a JSON array of events. */
  agentRuntimeEvents: defineTable({
    log,
    /** Seq of the last of them. */
    last: v.number(),
    count: v.number(),
    /** Version of the protocol that they were written with. */
    version: v.number(),
    ...text,
  }).index("by_log", ["log", "last"]),

  /** Further parts of texts that are larger than a document may be. */
  agentRuntimeTexts: defineTable({ log, owner: v.string(), part: v.number(), text: v.string() }).index("by_log", [
    "log",
    "owner",
    "part",
  ]),

  agentRuntimeBlocks: defineTable({
    log,
    blockId: v.string(),
    conversation: v.string(),
    position: v.number(),
    /** false: taken back; the row stays as a cursor. */
    kept: v.boolean(),
    ...text,
  })
    .index("by_log", ["log", "blockId"])
    .index("by_position", ["log", "conversation", "kept", "position"]),

  /** What each path was, from which seq on; null: deleted. `current`: it is so now. */
  agentRuntimeFiles: defineTable({
    log,
    pathKey: v.string(),
    seq: v.number(),
    entry: maybeText,
    current: v.boolean(),
  })
    .index("by_log", ["log", "pathKey", "seq"])
    .index("by_current", ["log", "current", "pathKey"]),

  agentRuntimeCheckpoints: defineTable({ log, seq: v.number(), turnId: v.string() }).index("by_log", ["log", "seq"]),

  /** Where a piece of a blob lies, and its bytes: here where they are few, else in documents of their own. */
  agentRuntimeBlobs: defineTable({
    log,
    sha256: v.string(),
    start: v.number(),
    length: v.number(),
    /** Of the whole blob. */
    total: v.number(),
    inline: v.union(v.bytes(), v.null()),
    bytes: v.array(v.id("agentRuntimeBytes")),
  }).index("by_log", ["log", "sha256", "start"]),

  agentRuntimeBytes: defineTable({ log, bytes: v.bytes() }).index("by_log", ["log"]),

  /** Runs of pieces of the harness's transcript. The text is a JSON array of them. */
  agentRuntimeTranscripts: defineTable({ log, n: v.number(), ...text }).index("by_log", ["log", "n"]),

  agentRuntimeMessages: defineTable({
    log,
    messageId: v.string(),
    idempotencyKey: maybeText,
    contentHash: v.string(),
    position: maybeNumber,
  })
    .index("by_log", ["log", "messageId"])
    .index("by_idempotency_key", ["log", "idempotencyKey"]),

  /** What is gone for everybody, and still has to be removed: a whole session, or bytes of one. */
  agentRuntimeRemovals: defineTable({ log, bytes: v.union(v.array(v.id("agentRuntimeBytes")), v.null()) }),

  /** Servers that share this deployment. */
  agentRuntimeNodes: defineTable({
    nodeId: v.string(),
    /** JSON of what it said of itself. */
    record: v.string(),
    /** It lives until then: milliseconds. */
    until: v.number(),
  }).index("by_node", ["nodeId"]),

  agentRuntimeCommands: defineTable({
    log,
    commandId: v.string(),
    /** It is dropped then: milliseconds; null: never. */
    until: maybeNumber,
    ...text,
  })
    .index("by_log", ["log", "commandId"])
    .index("by_command", ["commandId"]),

  /** Parts of answers to commands. */
  agentRuntimeAnswers: defineTable({
    commandId: v.string(),
    part: v.number(),
    parts: v.number(),
    text: v.string(),
    /** It is dropped then: milliseconds. */
    until: v.number(),
  })
    .index("by_command", ["commandId", "part"])
    .index("by_until", ["until"]),
};

/** For tests, and for a deployment that has nothing else. */
export const agentRuntimeSchema = defineSchema(agentRuntimeTables);
export type DataModel = DataModelFromSchemaDefinition<typeof agentRuntimeSchema>;
