/** How a server that is shut down leaves its sessions. */
import { toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { setTimeout as delay } from "node:timers/promises";
import { reaches } from "../cluster/placement.ts";
import type { SessionParts } from "./session-parts.ts";
import type { Session } from "./session.ts";

/** Tells the others that this server goes; whether one of them can go on with its sandboxes as they are. */
export async function hasSuccessor({ node, log }: SessionParts): Promise<boolean> {
  if (node === undefined) return false;
  try {
    await node.tellLeaving();
  } catch (error) {
    log.warn({ err: toRuntimeError(error) }, "the other servers could not be told that this one ends");
    return false;
  }
  return node
    .nodes()
    .some(({ nodeId, place, leaving }) => nodeId !== node.nodeId && !leaving && reaches(place, { place: node.place }));
}

/** For the next start of this server: a turn may go on for `graceMs`; what is idle is saved, and its sandbox ended. */
export async function leaveSession(parts: SessionParts, session: Session, graceMs: number): Promise<void> {
  session.finish();
  const deadline = Date.now() + graceMs;
  // A turn that waits for people does not end by itself.
  while (session.working && !session.asks.wait && Date.now() < deadline) await delay(20);
  try {
    const { turn, queue } = session.getState();
    // A session whose messages wait stays claimed, so that the next server goes on with them.
    if (turn === null && queue.length === 0) return await session.unload("The server was shut down.");
  } catch (error) {
    parts.log.warn({ err: toRuntimeError(error), sessionId: session.sessionId }, "a sandbox is left running");
  }
  await session.release();
}

/**
 * For another server that goes on at once: what is being written is finished, and the sandbox is left as it is. A host tool
 * that must not run again has `graceMs`.
 */
export async function handOver(session: Session, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  while (session.runsHostTool && Date.now() < deadline) await delay(20);
  if (session.hasSandbox || !session.idle || session.asks.needServer) return session.release();
  await session.unload("The server was shut down.").catch(() => session.release());
}
