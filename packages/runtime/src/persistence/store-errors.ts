import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** What stores refuse, in the same words whichever store it is. */
export function knownMessage(messageId: string): RuntimeError {
  return new RuntimeError("conflict", `The session has a message with the id or the idempotency key of ${messageId}.`);
}

export function wrongSeq(batch: { sessionId: string; expectedSeq: number }, lastSeq: number): RuntimeError {
  const { sessionId, expectedSeq } = batch;
  return new RuntimeError("sequence_conflict", `The log of ${sessionId} is at ${lastSeq}, not at ${expectedSeq}.`);
}

/** Entries of a runner that the log has already, or that come from a sandbox before the last. */
export function takenBefore(batch: { sessionId: string }, cursor: { generation: number; n: number }): RuntimeError {
  const { generation, n } = cursor;
  return new RuntimeError(
    "sequence_conflict",
    `Session ${batch.sessionId} has entry ${n} of sandbox ${generation} already, or a later one.`,
  );
}

export function noSession(sessionId: string): RuntimeError {
  return new RuntimeError("session_not_found", `There is no session ${sessionId}.`);
}

export function sessionExists(sessionId: string): RuntimeError {
  return new RuntimeError("conflict", `There is a session ${sessionId} already.`);
}

/** The cursor of a page of blocks names none. */
export function unknownBlock(blockId: string): RuntimeError {
  return new RuntimeError("invalid_request", `before: there is no block ${blockId}`, { field: "before" });
}

/** A compaction would drop the log's last event. */
export function compactsTail(to: number): RuntimeError {
  return new RuntimeError("invalid_request", `drop: the log ends before ${to + 1}, and its last event stays`, {
    field: "drop",
  });
}

/** The batch was written under a lease that the session has not any more. */
export function staleFence(batch: { sessionId: string; fence?: number | undefined }, fence: number): RuntimeError {
  const message = `Session ${batch.sessionId} has the fence ${fence}, not ${batch.fence}: another server owns it.`;
  return new RuntimeError("stale_fence", message);
}

/** A lease is for nodes that live. */
export function nodeNotAlive(nodeId: string): RuntimeError {
  const message = `The node ${nodeId} does not live, or has not said so in time: it cannot have a session.`;
  return new RuntimeError("conflict", message);
}

/** The store was not opened, or was closed. */
export function notOpen(): RuntimeError {
  return new RuntimeError(
    "persistence_unavailable",
    "The store is not open: call open() first, and nothing after close().",
  );
}
