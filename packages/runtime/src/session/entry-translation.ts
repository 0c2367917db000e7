/**
 * What a runner says, as what the log keeps. A runner is not trusted: the agent beside it has the same rights. So an
 * entry may only speak of blocks that the runner itself began, of known conversations, and of files of the workspace;
 * anything else is refused here, and the entry leaves no trace but a line in the server's log.
 */
import { createHash } from "node:crypto";
import {
  addUsage,
  MAIN_CONVERSATION,
  type AskRules,
  type ConversationBlock,
  type EntryBody,
  type EventDraft,
  type FileEntry,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import { addAskEntry, withdrawn } from "./ask-entries.ts";
import { checkedEnd } from "../results/turn-end.ts";
import { userMessageBlock } from "./turn-start.ts";
import type { LogWrite } from "../log/session-log.ts";
import { addHostToolEntry, cancelledHostCalls, openHostCalls } from "./host-tool-entries.ts";
import { eventFile } from "../persistence/file-changes.ts";
import type { AppendBatch, RunnerCursor } from "../persistence/session-store.ts";
import { addSubagentEntry } from "./subagent-entries.ts";

type Blob = NonNullable<AppendBatch["blobs"]>[number];

/** A write that grows entry by entry. `state` is the committed one; `blocks` and `subagents` what this write adds. */
export interface EntryWrite {
  readonly sessionId: string;
  readonly state: SessionState;
  readonly events: EventDraft[];
  readonly blobs: Blob[];
  readonly transcript: { key: string; lines: readonly string[] }[];
  readonly files: { put: FileEntry[]; deleted: string[] };
  /** Blocks that have started and are not complete. */
  readonly openBlocks: Set<string>;
  readonly startedBlocks: Set<string>;
  readonly subagents: Set<string>;
  /** Ids of asks that wait for an answer. */
  readonly asks: Set<string>;
  /** Ids of asks that the runner is not to wait for. */
  readonly refusedAsks: string[];
  /** What the session's profile says of asks. */
  readonly askRules: AskRules;
  /** Whether there is such a conversation. */
  readonly knows: (conversationId: string) => boolean;
  metadata: SessionState["sessionMetadata"];
  nativeSessionId?: string;
  /** Calls of host tools that have not come to an end. */
  readonly hostCalls: Set<string>;
  /** Messages that the running turn took, beside those of the state. */
  readonly taken: string[];
  /** The server's time, for blocks of its own. */
  readonly at: Date;
  turnEnded: boolean;
  /** The turn waits outside of its sandbox. */
  turnDeferred: boolean;
}

export function newEntryWrite(
  sessionId: string,
  state: SessionState,
  { at, askRules }: Pick<EntryWrite, "at" | "askRules">,
): EntryWrite {
  const write: EntryWrite = {
    sessionId,
    state,
    events: [],
    blobs: [],
    transcript: [],
    files: { put: [], deleted: [] },
    openBlocks: new Set(state.streamingBlockIds),
    startedBlocks: new Set(),
    subagents: new Set(),
    asks: new Set(state.asks.map(({ askId }) => askId)),
    refusedAsks: [],
    askRules,
    knows: (conversationId) => knowsConversation(write, conversationId),
    metadata: state.sessionMetadata,
    hostCalls: openHostCalls(state),
    taken: [],
    at,
    turnEnded: false,
    turnDeferred: false,
  };
  return write;
}

/** Adds an entry to the write. Returns why it was refused, or null. */
export function addEntry(write: EntryWrite, body: EntryBody): string | null {
  switch (body.kind) {
    case "block:start":
    case "block:delta":
    case "block:update":
    case "block:complete":
      return addBlockEntry(write, body);
    case "subagent:discovered":
    case "subagent:completed":
    case "subagent:usage":
      return addSubagentEntry(write, body);
    case "file:changed":
    case "file:deleted":
      return addFileEntry(write, body);
    case "blob":
      write.blobs.push({
        sha256: body.sha256,
        offset: body.offset,
        total: body.total,
        bytes: Buffer.from(body.data, "base64"),
      });
      return null;
    case "transcript":
      write.transcript.push({ key: body.key, lines: body.lines });
      return null;
    case "usage":
      return addUsageEntry(write, body);
    case "harness:ready":
      write.nativeSessionId = body.nativeSessionId;
      return null;
    case "message:taken":
      return addTakenMessage(write, body);
    case "ask:opened":
    case "ask:withdrawn":
      return addAskEntry(write, body);
    case "turn:deferred":
      return addTurnDeferred(write, body);
    case "host-tool:called":
    case "host-tool:cancelled":
      return addHostToolEntry(write, body);
    case "turn:ended":
      return addTurnEnd(write, body);
  }
}

type BlockEntry = Extract<EntryBody, { kind: `block:${string}` }>;

function addBlockEntry(write: EntryWrite, body: BlockEntry): string | null {
  const { sessionId } = write;
  const { conversationId } = body;
  if (!knowsConversation(write, conversationId)) return `unknown conversation ${conversationId}`;
  const blockId = body.kind === "block:start" || body.kind === "block:complete" ? body.block.id : body.blockId;
  const refusal =
    body.kind === "block:start"
      ? refuseStart(write, conversationId, body.block)
      : refuseChange(write, body.kind, blockId);
  if (refusal !== null) return refusal;
  switch (body.kind) {
    case "block:start":
      write.startedBlocks.add(blockId);
      write.openBlocks.add(blockId);
      write.events.push({ type: "session:block:start", data: { sessionId, conversationId, block: body.block } });
      return null;
    case "block:delta":
      write.events.push({
        type: "session:block:delta",
        data: { sessionId, conversationId, blockId, delta: body.delta },
      });
      return null;
    case "block:update":
      write.events.push({
        type: "session:block:update",
        data: { sessionId, conversationId, blockId, updates: body.updates },
      });
      return null;
    case "block:complete":
      write.openBlocks.delete(blockId);
      write.events.push({
        type: "session:block:complete",
        data: { sessionId, conversationId, blockId, block: body.block },
      });
      return null;
  }
}

function knowsConversation(write: EntryWrite, id: string): boolean {
  return id === MAIN_CONVERSATION || write.subagents.has(id) || write.state.subagents.some((known) => known.id === id);
}

function blocksOf(state: SessionState, conversationId: string): readonly ConversationBlock[] {
  if (conversationId === MAIN_CONVERSATION) return state.blocks;
  return state.subagents.find((subagent) => subagent.id === conversationId)?.blocks ?? [];
}

/** Ids of the server's own blocks have no `:` (they are message ids); a runner's have one. */
function refuseStart(write: EntryWrite, conversationId: string, block: ConversationBlock): string | null {
  if (conversationId === MAIN_CONVERSATION && block.type === "user_message")
    return "a user message is the server's to write";
  const foreign = refuseForeign(block.id);
  if (foreign !== null) return foreign;
  const known = blocksOf(write.state, conversationId).some((other) => other.id === block.id);
  return known || write.startedBlocks.has(block.id) ? `block ${block.id} exists` : null;
}

/** Updates may come for blocks that are long complete; deltas and completes only for open ones. */
function refuseChange(write: EntryWrite, kind: BlockEntry["kind"], blockId: string): string | null {
  if (kind !== "block:update" && !write.openBlocks.has(blockId)) return `block ${blockId} is not open`;
  return refuseForeign(blockId);
}

function refuseForeign(blockId: string): string | null {
  if (!blockId.includes(":")) return `block ${blockId} is not the runner's`;
  if (blockId.startsWith("server:")) return `block ${blockId} is the server's`;
  return null;
}

function addFileEntry(write: EntryWrite, body: Extract<EntryBody, { kind: `file:${string}` }>): string | null {
  const { sessionId } = write;
  if (body.kind === "file:deleted") {
    write.files.deleted.push(body.path);
    removePut(write, body.path);
    write.events.push({ type: "session:file:deleted", data: { sessionId, path: body.path } });
    return null;
  }
  const { content, ...entry } = body.file;
  const bytes = content === undefined ? undefined : Buffer.from(content, "utf8");
  // The hash of what came inline is computed here, whatever the runner says it is.
  const kept: FileEntry = bytes === undefined ? entry : { ...entry, size: bytes.length, sha256: sha256(bytes) };
  if (bytes !== undefined && kept.sha256 !== undefined)
    write.blobs.push({ sha256: kept.sha256, offset: 0, total: bytes.length, bytes });
  removePut(write, entry.path);
  write.files.put.push(kept);
  const type = body.change === "created" ? "session:file:created" : "session:file:modified";
  write.events.push({ type, data: { sessionId, file: eventFile(kept, content) } });
  return null;
}

function removePut(write: EntryWrite, path: string): void {
  const index = write.files.put.findIndex((file) => file.path === path);
  if (index >= 0) write.files.put.splice(index, 1);
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function addUsageEntry(write: EntryWrite, body: Extract<EntryBody, { kind: "usage" }>): null {
  const { usage, costUSD } = write.metadata;
  const model = body.model ?? write.metadata.model;
  write.metadata = {
    ...write.metadata,
    usage: addUsage(usage, body.usage),
    costUSD: costUSD + body.costUSD,
    ...(model === undefined ? {} : { model }),
  };
  write.events.push({
    type: "session:metadata:update",
    data: { sessionId: write.sessionId, metadata: write.metadata },
  });
  return null;
}

/** The turn has it now; its block stands where it was taken. */
function addTakenMessage(
  write: EntryWrite,
  { turnId, messageId }: Extract<EntryBody, { kind: "message:taken" }>,
): string | null {
  const { sessionId, state } = write;
  if (state.turn?.turnId !== turnId || write.turnEnded) return `turn ${turnId} does not run`;
  const message = state.queue.find((queued) => queued.messageId === messageId);
  if (message === undefined || write.taken.includes(messageId)) return `message ${messageId} does not wait`;
  write.taken.push(messageId);
  const block = userMessageBlock(message, write.at.toISOString());
  const place = { sessionId, conversationId: MAIN_CONVERSATION };
  write.events.push(
    { type: "session:message:taken", data: { sessionId, messageId, turnId } },
    { type: "session:block:start", data: { ...place, block } },
    { type: "session:block:complete", data: { ...place, blockId: messageId, block } },
  );
  return null;
}

/** It goes on wherever its transcript is, once its asks are answered. */
function addTurnDeferred(write: EntryWrite, { turnId }: Extract<EntryBody, { kind: "turn:deferred" }>): string | null {
  const { sessionId, state } = write;
  if (state.turn?.turnId !== turnId || write.turnEnded) return `turn ${turnId} does not run`;
  write.turnDeferred = true;
  write.events.push({ type: "session:turn:deferred", data: { sessionId, turnId } });
  return null;
}

function addTurnEnd(write: EntryWrite, body: Extract<EntryBody, { kind: "turn:ended" }>): string | null {
  const { turn } = write.state;
  if (turn === null || turn.turnId !== body.turnId || write.turnEnded) return `turn ${body.turnId} does not run`;
  write.turnEnded = true;
  const { turnId, usage, costUSD } = body;
  const { status, error, result } = checkedEnd(turn.resultSchema, body);
  for (const askId of write.asks) write.events.push(withdrawn(write.sessionId, askId));
  write.asks.clear();
  write.events.push(...cancelledHostCalls(write.sessionId, write.hostCalls));
  if (error !== undefined) write.events.push({ type: "error", data: { sessionId: write.sessionId, ...error } });
  write.events.push({
    type: "session:turn:completed",
    data: {
      sessionId: write.sessionId,
      turnId,
      messageIds: [...turn.messageIds, ...write.taken],
      status,
      usage,
      costUSD,
      ...(error === undefined ? {} : { error }),
      ...(result === undefined ? {} : { result }),
    },
  });
  return null;
}

/** The write as the log takes it, with the place in the runner's journal up to which it goes. */
export function entriesWrite(write: EntryWrite, cursor: RunnerCursor): LogWrite {
  const { files } = write;
  const changed = files.put.length > 0 || files.deleted.length > 0;
  return {
    events: write.events,
    cursor,
    ...(write.blobs.length === 0 ? {} : { blobs: write.blobs }),
    ...(write.transcript.length === 0 ? {} : { transcript: write.transcript }),
    ...(changed ? { files } : {}),
    ...(write.nativeSessionId === undefined ? {} : { nativeSessionId: write.nativeSessionId }),
  };
}
