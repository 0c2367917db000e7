import { toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { CursorTooOld } from "../../log/follower.ts";
import type { LogFrame } from "../../log/frame.ts";
import { mergedFrames } from "../../log/merging.ts";
import type { Notice } from "../../log/notices.ts";
import type { Follow } from "../../session/service.ts";
import { resyncData } from "../cursor.ts";
import { sharedBytes } from "../shared-bytes.ts";
import type { TransportLog } from "../transport-log.ts";

export interface EventStreamOptions {
  readonly sessionId: string;
  /** Ends the follow; aborted when the stream ends, whoever ends it. */
  readonly ending: AbortController;
  /** Fires when the client is gone. */
  readonly client: AbortSignal;
  readonly heartbeatMs: number;
  readonly streamMs: number;
  readonly log: TransportLog;
  /** false: a slow reader gets each event too, as whoever reads the log wants it; the reading waits for it anyhow. */
  readonly merges?: boolean;
  /** A clock in milliseconds; by default the process's own. */
  readonly now?: () => number;
}

const encoder = new TextEncoder();
/** Who takes so long to come back for more has frames waiting, and gets them merged; in milliseconds. */
const SLOW_MS = 50;

/** One event as SSE: its id is a cursor, its data is the payload with `seq`, `from` where it stands for more, and `at`. */
export function encodeEvent(frame: LogFrame, logId: string): string {
  const { type, seq } = frame.event;
  const data = `${frame.data.slice(0, -1)},${frame.numbers}}`;
  return `id: ${logId}:${seq}\nevent: ${type}\ndata: ${data}\n\n`;
}

const encodedEvents = sharedBytes((frames, logId) =>
  encoder.encode(frames.map((frame) => encodeEvent(frame, logId)).join("")),
);

function resyncEvent(sessionId: string, follow: Follow): string {
  return `event: session:resync\ndata: ${JSON.stringify(resyncData(sessionId, follow))}\n\n`;
}

/** Without an id: it is not of the log, and moves no cursor. */
function noticeEvent(sessionId: string, notice: Notice): string {
  return `event: error\ndata: ${JSON.stringify({ sessionId, ...notice })}\n\n`;
}

type Interruption = "heartbeat" | "notice" | "end";
type Next = IteratorResult<readonly LogFrame[]> | Interruption;

/**
 * A follow as a stream of bytes. It reads on only when the client does, says something every `heartbeatMs`, and ends
 * by itself after `streamMs`; the client then goes on by its cursor.
 */
export function eventStream(follow: Follow, options: EventStreamOptions): ReadableStream<Uint8Array> {
  const { ending, heartbeatMs, streamMs, client, sessionId, log, merges = true } = options;
  const { now = () => performance.now() } = options;
  const batches = follow.batches[Symbol.asyncIterator]();
  let waiting: Promise<IteratorResult<readonly LogFrame[]>> | undefined;
  let head = "retry: 1000\n\n";
  /** The last one that is to be told: a client that does not read misses some. */
  let notice: Notice | undefined;
  let wake = (): void => {};

  const unwatch = follow.onNotice?.((news) => {
    notice = news;
    wake();
  });
  const stop = (): void => {
    unwatch?.();
    clearTimeout(lifetime);
    client.removeEventListener("abort", stop);
    if (ending.signal.aborted) return;
    ending.abort();
    // A follow that waits to be pulled learns of its end only so.
    batches.return?.().catch(() => {});
  };
  const lifetime = setTimeout(stop, streamMs);
  lifetime.unref();
  client.addEventListener("abort", stop, { once: true });
  if (client.aborted) stop();

  let cancelled = false;
  let givenAt = Infinity;

  const next = async (): Promise<Next> => {
    if (ending.signal.aborted) return "end";
    if (notice !== undefined) return "notice";
    waiting ??= batches.next();
    const outcome = await settled(waiting, {
      signal: ending.signal,
      heartbeatMs,
      onWait: (interrupt) => (wake = () => interrupt("notice")),
    });
    if (typeof outcome !== "string") waiting = undefined;
    return outcome;
  };

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const isSlow = merges && now() - givenAt > SLOW_MS;
        try {
          if (head !== "") {
            const first = follow.resync === undefined ? head : head + resyncEvent(sessionId, follow);
            head = "";
            return controller.enqueue(encoder.encode(first));
          }
          const found = follow.resync === undefined ? await next() : "end";
          // The reader went away meanwhile: its stream is closed already.
          if (cancelled) return;
          if (found === "heartbeat") return controller.enqueue(encoder.encode(": still here\n\n"));
          if (found === "notice") {
            const told = notice === undefined ? "" : noticeEvent(sessionId, notice);
            notice = undefined;
            return controller.enqueue(encoder.encode(told));
          }
          if (found === "end" || found.done === true) {
            stop();
            return controller.close();
          }
          const frames = isSlow ? mergedFrames(found.value) : found.value;
          givenAt = now();
          for (const bytes of encodedEvents(frames, follow.logId)) controller.enqueue(bytes);
        } catch (error) {
          stop();
          if (error instanceof CursorTooOld) {
            const resync = resyncEvent(sessionId, { ...follow, resync: "cursor_too_old" });
            controller.enqueue(encoder.encode(resync));
            return controller.close();
          }
          log.error({ err: toRuntimeError(error), sessionId }, "An event stream broke");
          controller.error(error);
        }
      },
      cancel() {
        cancelled = true;
        stop();
      },
    },
    { highWaterMark: 0 },
  );
}

interface Waiting {
  readonly signal: AbortSignal;
  readonly heartbeatMs: number;
  /** Gives the way to interrupt it. */
  readonly onWait: (interrupt: (word: Interruption) => void) => void;
}

/** `promise`, or the word of what came before it. */
async function settled<T>(promise: Promise<T>, { signal, heartbeatMs, onWait }: Waiting): Promise<T | Interruption> {
  const interruption = Promise.withResolvers<Interruption>();
  const onAbort = (): void => interruption.resolve("end");
  const timer = setTimeout(() => interruption.resolve("heartbeat"), heartbeatMs);
  timer.unref();
  signal.addEventListener("abort", onAbort, { once: true });
  onWait(interruption.resolve);
  try {
    return await Promise.race([promise, interruption.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
