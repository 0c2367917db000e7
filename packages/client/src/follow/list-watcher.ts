import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { asClientError, type ClientError } from "../client-error.ts";
import type { Endpoint } from "../endpoint.ts";
import { BACKOFF, pause, waitBefore, type Backoff } from "./backoff.ts";
import type { IncomingFrame } from "./frame.ts";
import type { ConnectionStatus } from "./follower.ts";
import { report, tell } from "./handlers.ts";
import { runConnection } from "./live-connection.ts";
import { onWake } from "./wake.ts";

export interface WatchHandlers {
  /** A session was made, or its item in the list has changed. Best effort. */
  readonly onUpdated?: (session: SessionListItem) => void;
  readonly onRemoved?: (sessionId: string) => void;
  /** At each `live` the list is worth to be fetched: what happened before is not told. */
  readonly onConnection?: (status: ConnectionStatus) => void;
  readonly onError?: (error: ClientError) => void;
}

export interface WatchOptions {
  readonly backoff?: Backoff;
}

export interface Watching {
  stop(): void;
}

const WATCH_ID = "watch";
const PING_MS = 20_000;
/** A line that held for less counts as another try, so that a server which hangs up at once is not asked without end. */
const GOOD_CONNECTION_MS = 5000;

/** Watches the list of sessions until it is stopped, or until the server refuses for good. */
export function watchList(endpoint: Endpoint, handlers: WatchHandlers, { backoff = BACKOFF }: WatchOptions): Watching {
  const stopping = new AbortController();
  const wakes = new EventTarget();
  const { signal } = stopping;
  const line = { isRefused: false, isLive: false, isRenewing: false };
  /** Of the last connection, where both ended together. */
  let endedToken: string | undefined;
  const refuse = (error: ClientError): void => {
    line.isRefused = endpoint.isShutOut(error) || error.code === "forbidden";
    report(handlers, error);
  };
  const show = (status: ConnectionStatus): void => tell(handlers, () => handlers.onConnection?.(status));
  const take = (frame: IncomingFrame): boolean => {
    if (frame.kind === "control") tell(handlers, () => pass(frame, handlers));
    if (frame.kind !== "ack" || frame.id !== WATCH_ID) return false;
    line.isLive = frame.data.success === true;
    if (line.isLive) show("live");
    return !line.isLive;
  };
  const attempt = async (): Promise<void> => {
    try {
      const { webSocket, token } = await endpoint.connect(endedToken);
      const ending = await runConnection(webSocket, {
        onOpen: (send) => send({ id: WATCH_ID, event: "sessions:watch" }),
        onFrame: take,
        pingMs: PING_MS,
        signal,
        wakes,
      });
      line.isRenewing = ending === "expired";
      endedToken = line.isRenewing ? token : undefined;
      // A browser does not say why an upgrade was refused; the REST side does.
      if (ending === "never-opened") await endpoint.call("/sessions?limit=1", { signal });
    } catch (error) {
      if (!signal.aborted) refuse(asClientError(error));
    }
  };
  const run = async (): Promise<void> => {
    const leave = onWake(() => wakes.dispatchEvent(new Event("wake")));
    for (let tries = 0; !signal.aborted && !line.isRefused; tries += 1) {
      await pause(waitBefore(tries, backoff, Math.random), signal, wakes);
      [line.isLive, line.isRenewing] = [false, false];
      const since = Date.now();
      if (!signal.aborted) await attempt();
      if (line.isLive && Date.now() - since > GOOD_CONNECTION_MS) tries = 0;
      if (!signal.aborted && !line.isRenewing) show(line.isRefused ? "failed" : "reconnecting");
    }
    leave();
  };
  void run();
  return { stop: () => stopping.abort() };
}

function pass({ event, data }: Extract<IncomingFrame, { kind: "control" }>, handlers: WatchHandlers): void {
  if (event === "sessions:updated") handlers.onUpdated?.(data.session as SessionListItem);
  if (event === "sessions:removed") handlers.onRemoved?.(String(data.sessionId));
}
