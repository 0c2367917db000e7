import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { WebSocket } from "ws";
import type { Principal } from "../../auth/principal.ts";
import { CursorTooOld } from "../../log/follower.ts";
import { mergedFrames } from "../../log/merging.ts";
import { resyncData, type Cursor } from "../cursor.ts";
import type { Follow, SessionService } from "../../session/service.ts";
import type { TransportLog } from "../transport-log.ts";
import type { Outbox } from "./outbox.ts";
import { textFrames } from "./text-frames.ts";

interface JoinParts {
  readonly service: SessionService;
  readonly principal: Principal;
  readonly webSocket: WebSocket;
  readonly outbox: Outbox;
  readonly log: TransportLog;
}

/** Sessions that one connection may follow at once. */
const MAX_JOINS = 1000;

/** The sessions that one connection follows: a loop for each, which reads on as the client does. */
export class Joins {
  readonly #parts: JoinParts;
  readonly #loops = new Map<string, AbortController>();
  #stopped = false;

  constructor(parts: JoinParts) {
    this.#parts = parts;
  }

  /** Follows from the cursor on; an earlier join of the same session ends. `acknowledge` runs before the first event. */
  async join(
    sessionId: string,
    cursor: Cursor & { readonly conversation?: string },
    acknowledge: (follow: Follow) => void,
  ): Promise<void> {
    if (this.#loops.size >= MAX_JOINS && !this.#loops.has(sessionId)) {
      throw new RuntimeError("too_many_requests", `A connection may follow at most ${MAX_JOINS} sessions.`);
    }
    const ending = new AbortController();
    const follow = await this.#parts.service.follow(this.#parts.principal, sessionId, {
      ...cursor,
      signal: ending.signal,
    });
    if (this.#stopped) return ending.abort();
    this.leave(sessionId);
    this.#loops.set(sessionId, ending);
    acknowledge(follow);
    void this.#loop(sessionId, follow, ending);
  }

  leave(sessionId: string): void {
    this.#loops.get(sessionId)?.abort();
    this.#loops.delete(sessionId);
  }

  stop(): void {
    this.#stopped = true;
    for (const ending of this.#loops.values()) ending.abort();
    this.#loops.clear();
  }

  async #loop(sessionId: string, follow: Follow, ending: AbortController): Promise<void> {
    const { outbox, webSocket, log } = this.#parts;
    const unwatch = follow.onNotice?.((notice) => {
      // Best effort: a client that does not read misses some.
      if (!outbox.isFull) outbox.json({ event: "error", data: { sessionId, ...notice } });
    });
    try {
      if (follow.resync === undefined) {
        await this.#pump(follow, ending.signal);
        // What ends by itself is a session that is no more.
        if (!ending.signal.aborted) outbox.json({ event: "sessions:removed", data: { sessionId } });
      } else outbox.json({ event: "session:resync", data: resyncData(sessionId, follow) });
    } catch (error) {
      if (ending.signal.aborted) return;
      if (error instanceof CursorTooOld) {
        outbox.json({ event: "session:resync", data: resyncData(sessionId, { ...follow, resync: "cursor_too_old" }) });
        return;
      }
      const { code } = toRuntimeError(error);
      log.error({ err: error, sessionId }, "A live stream broke");
      outbox.json({
        event: "error",
        data: { sessionId, code, message: "The live stream broke; join again by your cursor." },
      });
      webSocket.close(1011, "stream broke");
    } finally {
      unwatch?.();
      ending.abort();
      if (this.#loops.get(sessionId) === ending) this.#loops.delete(sessionId);
    }
  }

  async #pump(follow: Follow, signal: AbortSignal): Promise<void> {
    // Frames gather while a client is slow, and are merged for it then; who keeps up gets each as it is.
    let isSlow = false;
    for await (const batch of follow.batches) {
      if (signal.aborted) return;
      const frames = isSlow ? mergedFrames(batch) : batch;
      isSlow = false;
      for (const bytes of textFrames(frames, follow.logId)) {
        this.#parts.outbox.encoded(bytes);
        if (await this.#parts.outbox.room()) isSlow = true;
        if (signal.aborted) return;
      }
    }
  }
}
