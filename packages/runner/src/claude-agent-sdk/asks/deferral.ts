import { setTimeout as delay } from "node:timers/promises";
import type { DeferReport } from "@hhopkins/agent-runtime-protocol";
import type { RunningTurn } from "../running-turn.ts";
import type { Transcript } from "../transcript.ts";
import type { Asks } from "./asks.ts";

export interface Deferral {
  readonly asks: Asks;
  readonly transcript: Transcript;
  /** The turn that runs, if any. */
  readonly turn: () => RunningTurn | undefined;
  /** How long the process may take to say what it cost. */
  readonly graceMs: number;
}

const TRANSCRIPT_MS = 5_000;

/**
 * Puts the running turn off, where the call that it waits at can be made by another process. The harness's own way, to
 * answer that the call is put off, is closed by then: it takes that before it asks, and of a call that stands alone.
 */
export async function deferTurn({ asks, transcript, turn, graceMs }: Deferral): Promise<DeferReport> {
  const running = turn();
  const found = asks.deferrable();
  if (running === undefined || running.interrupted) return { deferred: false, reason: "The turn waits for nobody." };
  if ("reason" in found) return { deferred: false, reason: found.reason };
  const isKept = await keptSoon(transcript, found.toolUseId);
  const still = asks.deferrable();
  const isSame = "toolUseId" in still && still.toolUseId === found.toolUseId;
  if (turn() !== running || running.interrupted || !isSame) return { deferred: false, reason: "The turn went on." };
  if (!isKept) return { deferred: false, reason: "The call that waits is not in the transcript yet." };
  running.deferred = true;
  transcript.freeze();
  asks.leave();
  running.escalation ??= setTimeout(running.over.resolve, graceMs);
  return { deferred: true };
}

/** The harness hands its transcript on a moment after it asks. */
async function keptSoon(transcript: Transcript, toolUseId: string): Promise<boolean> {
  for (const until = performance.now() + TRANSCRIPT_MS; performance.now() < until; await delay(50)) {
    if (await transcript.holds(toolUseId)) return true;
  }
  return false;
}
