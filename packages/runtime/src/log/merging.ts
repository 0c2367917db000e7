import type { EventData } from "@hhopkins/agent-runtime-protocol";
import { LogFrame } from "./frame.ts";

/** Characters that one frame may carry of several deltas. */
const MERGED_CHARS = 64 * 1024;

/** By its last frame: what a run was merged into, so that clients that wait for the same share one frame. */
const known = new WeakMap<LogFrame, LogFrame>();

/** The same frames, with runs of deltas of one block as one frame each: for a client that they have to wait for. */
export function mergedFrames(frames: readonly LogFrame[]): readonly LogFrame[] {
  const merged: LogFrame[] = [];
  let run: LogFrame[] = [];
  let chars = 0;
  const end = (): void => {
    const frame = mergedRun(run);
    if (frame !== undefined) merged.push(frame);
    run = [];
    chars = 0;
  };
  for (const frame of frames) {
    const last = run.at(-1);
    const size = deltaOf(frame)?.delta.length ?? 0;
    if (last !== undefined && !(continues(last, frame) && chars + size <= MERGED_CHARS)) end();
    run.push(frame);
    chars += size;
  }
  end();
  return merged;
}

function deltaOf({ event }: LogFrame): EventData<"session:block:delta"> | undefined {
  return event.type === "session:block:delta" ? event.data : undefined;
}

function continues(last: LogFrame, next: LogFrame): boolean {
  const [before, after] = [deltaOf(last), deltaOf(next)];
  if (before === undefined || after === undefined || next.first !== last.event.seq + 1) return false;
  return before.blockId === after.blockId && before.conversationId === after.conversationId;
}

function mergedRun(run: readonly LogFrame[]): LogFrame | undefined {
  const [first] = run;
  const last = run.at(-1);
  if (first === undefined || last === undefined || first === last || last.event.type !== "session:block:delta")
    return first;
  const before = known.get(last);
  if (before?.first === first.first) return before;
  const delta = run.map((frame) => deltaOf(frame)?.delta ?? "").join("");
  const frame = new LogFrame({ ...last.event, data: { ...last.event.data, delta } }, { from: first.first });
  known.set(last, frame);
  return frame;
}
