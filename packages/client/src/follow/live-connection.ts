import { TOKEN_EXPIRED_CLOSE } from "@hhopkins/agent-runtime-protocol";
import { parseFrame, type IncomingFrame } from "./frame.ts";

/** Why a connection ended. `expired`: with its token, as was to be expected; the next one follows at once. */
export type Ending = "closed" | "expired" | "never-opened" | "silent" | "left";

export interface LiveConnectionOptions {
  readonly onOpen: (send: (frame: object) => void) => void;
  /** Answers true to leave the connection. */
  readonly onFrame: (frame: IncomingFrame) => boolean;
  /** Milliseconds between our pings; without any word in between the line counts as dead. */
  readonly pingMs: number;
  readonly signal: AbortSignal;
  /** At its `wake` the line has `WAKE_MS` to say anything. */
  readonly wakes?: EventTarget;
}

/** Milliseconds that a line has to answer when there is reason to doubt it. */
const WAKE_MS = 3000;

/**
 * Runs one WebSocket to its end and tells how it ended. Does not wait for a dead line to notice that it is closed, and
 * looks at nothing that arrives after its end.
 */
export function runConnection(webSocket: WebSocket, options: LiveConnectionOptions): Promise<Ending> {
  return new Promise((resolve) => {
    let heard = true;
    let opened = false;
    let over = false;
    const send = (frame: object): void => {
      if (webSocket.readyState === 1) webSocket.send(JSON.stringify(frame));
    };
    const end = (ending: Ending): void => {
      if (over) return;
      over = true;
      clearInterval(pings);
      clearTimeout(doubt);
      options.wakes?.removeEventListener("wake", ask);
      options.signal.removeEventListener("abort", leave);
      webSocket.close();
      resolve(ending);
    };
    const leave = (): void => end("left");
    let doubt: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      if (!opened) return;
      heard = false;
      send({ event: "ping" });
      clearTimeout(doubt);
      doubt = setTimeout(() => (heard ? undefined : end("silent")), WAKE_MS);
    };
    const pings = setInterval(() => {
      if (!heard) return end("silent");
      heard = false;
      send({ event: "ping" });
    }, options.pingMs);
    webSocket.addEventListener("open", () => {
      if (over) return webSocket.close();
      opened = true;
      options.onOpen(send);
    });
    webSocket.addEventListener("message", ({ data }) => {
      heard = true;
      const frame = over ? null : parseFrame(data);
      if (frame !== null && options.onFrame(frame)) end("left");
    });
    // An error is always followed by a close.
    webSocket.addEventListener("error", () => {});
    webSocket.addEventListener("close", ({ code }) => {
      if (!opened) return end("never-opened");
      end(code === TOKEN_EXPIRED_CLOSE ? "expired" : "closed");
    });
    options.signal.addEventListener("abort", leave);
    options.wakes?.addEventListener("wake", ask);
    if (options.signal.aborted) leave();
  });
}
