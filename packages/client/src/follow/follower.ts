import { initialState, reduce, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { asClientError, ClientError } from "../client-error.ts";
import type { Endpoint } from "../endpoint.ts";
import { BACKOFF, pause, waitBefore, type Backoff } from "./backoff.ts";
import type { IncomingFrame, LiveEvent } from "./frame.ts";
import { report, tell } from "./handlers.ts";
import { runConnection, type Ending } from "./live-connection.ts";
import { shared } from "./shared.ts";
import { onWake } from "./wake.ts";

/**
 * `connecting` until the server's state is reached, then `live`; `reconnecting` after a cut; `stopped` by `stop()`;
 * `failed` where coming back is no use (no such session, no right).
 */
export type ConnectionStatus = "connecting" | "live" | "reconnecting" | "stopped" | "failed";

export interface FollowHandlers {
  /** After each change, with the whole state. States share what did not change. */
  readonly onState?: (state: SessionState) => void;
  /** Each event of the log once, in order, of unknown types too. */
  readonly onEvent?: (event: LiveEvent) => void;
  readonly onConnection?: (status: ConnectionStatus) => void;
  /** What went wrong on the way; also the reason of `failed`. */
  readonly onError?: (error: ClientError) => void;
}

export interface FollowOptions {
  /** Begin at the first event instead of a snapshot: the state is folded from frames alone. */
  readonly fromStart?: boolean;
  /** Go on from a state that was kept. */
  readonly state?: SessionState;
  readonly backoff?: Backoff;
  /** Milliseconds between pings; 20 s by default. A server that says nothing for two of them counts as away. */
  readonly pingMs?: number;
  readonly random?: () => number;
}

export interface Following {
  readonly state: SessionState | undefined;
  readonly status: ConnectionStatus;
  /** Resolves once the follower has stopped or failed. */
  readonly ended: Promise<void>;
  stop(): void;
  /** Looks at once whether the line still holds, or tries at once to come back; browsers' own signs do so by themselves. */
  wake(): void;
}

interface FollowerParts {
  readonly endpoint: Endpoint;
  readonly sessionId: string;
  readonly handlers: FollowHandlers;
  readonly options: FollowOptions;
}

const JOIN_ID = "join";
const FINAL_CODES = new Set(["session_not_found", "forbidden"]);
const PING_MS = 20_000;
/** A connection that held so long was a good one: the next attempt goes at once. */
const GOOD_CONNECTION_MS = 5000;

/** Snapshot, then every event after it; after a cut by the cursor, after a gap or a resync by a new snapshot. */
export class Follower implements Following {
  readonly ended: Promise<void>;
  readonly #parts: FollowerParts;
  readonly #stopping = new AbortController();
  readonly #wakes = new EventTarget();
  #state: SessionState | undefined;
  /** The state before a new snapshot: what is the same in both stays the same object. */
  #last: SessionState | undefined;
  #status: ConnectionStatus = "connecting";
  #target = 0;
  #failure: ClientError | undefined;
  #progressed = false;
  /** Of the last connection, where both ended together. */
  #endedToken: string | undefined;
  /** The log has lost its beginning: only a snapshot can be begun with. */
  #isBeginningGone = false;
  #finish: () => void = () => {};

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#state = parts.options.state;
    this.ended = new Promise((resolve) => (this.#finish = resolve));
  }

  get state(): SessionState | undefined {
    return this.#state;
  }

  get #pingMs(): number {
    return this.#parts.options.pingMs ?? PING_MS;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  stop(): void {
    this.#stopping.abort();
  }

  wake(): void {
    this.#wakes.dispatchEvent(new Event("wake"));
  }

  /** Runs until `stop()` or failure. Never rejects. */
  async run(): Promise<void> {
    const leave = onWake(() => this.wake());
    await this.#run();
    leave();
    this.#show(this.#failure === undefined ? "stopped" : "failed");
    this.#finish();
  }

  async #run(): Promise<void> {
    const { backoff = BACKOFF, random = Math.random } = this.#parts.options;
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      await pause(waitBefore(attempt, backoff, random), signal, this.#wakes);
      if (signal.aborted) break;
      const since = Date.now();
      this.#progressed = false;
      const ending = await this.#attempt();
      if (this.#failure !== undefined) break;
      if (!signal.aborted && ending !== "expired") this.#show("reconnecting");
      if (this.#progressed || Date.now() - since > GOOD_CONNECTION_MS) attempt = -1;
    }
  }

  /** Answers how the connection ended; undefined: there was none. */
  async #attempt(): Promise<Ending | undefined> {
    const { endpoint, options } = this.#parts;
    try {
      if (this.#state === undefined && (options.fromStart !== true || this.#isBeginningGone))
        this.#accept(await this.#snapshot());
      const { webSocket, token } = await endpoint.connect(this.#endedToken);
      const ending = await runConnection(webSocket, {
        onOpen: (send) => send({ id: JOIN_ID, event: "session:join", data: this.#cursor() }),
        onFrame: (frame) => this.#take(frame),
        pingMs: this.#pingMs,
        signal: this.#stopping.signal,
        wakes: this.#wakes,
      });
      this.#endedToken = ending === "expired" ? token : undefined;
      // A browser does not say why an upgrade was refused; the REST side does.
      if (ending === "never-opened") await this.#snapshot("?blocks=1");
      return ending;
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#fault(asClientError(error));
      return undefined;
    }
  }

  #snapshot(query = ""): Promise<SessionState> {
    const path = `/sessions/${encodeURIComponent(this.#parts.sessionId)}${query}`;
    // As with the line itself: who says nothing for two pings is not there, such as after a computer's sleep.
    const deadline = AbortSignal.timeout(2 * this.#pingMs);
    const signal = AbortSignal.any([this.#stopping.signal, deadline]);
    return this.#parts.endpoint.json<SessionState>(path, { signal });
  }

  #cursor(): object {
    const { sessionId } = this.#parts;
    return this.#state === undefined
      ? { sessionId, after: 0 }
      : { sessionId, after: this.#state.lastSeq, logId: this.#state.logId };
  }

  /** Takes a frame; true means that this connection is of no more use. */
  #take(frame: IncomingFrame): boolean {
    switch (frame.kind) {
      case "ack":
        return frame.id === JOIN_ID && this.#joined(frame.data);
      case "event":
        return frame.event.data.sessionId === this.#parts.sessionId && this.#fold(frame.event);
      case "control":
        return this.#control(frame.event, frame.data);
    }
  }

  #joined(data: Readonly<Record<string, unknown>>): boolean {
    if (data.success !== true) {
      this.#fault(new ClientError(text(data.error, "bad_answer"), text(data.message, "The join was refused.")));
      return true;
    }
    const logId = text(data.logId, "");
    // The server says so in a frame of its own as well, which need not be awaited.
    if (this.#state !== undefined && this.#state.logId !== logId) return this.#resync();
    this.#target = Number(data.lastSeq);
    if (this.#state === undefined) this.#accept(initialState(this.#parts.sessionId, logId));
    this.#showWhenLive();
    return false;
  }

  #fold(event: LiveEvent): boolean {
    const state = this.#state;
    if (state === undefined) return true;
    if (event.seq <= state.lastSeq) return false;
    if ((event.from ?? event.seq) !== state.lastSeq + 1) return this.#resync();
    let next: SessionState;
    try {
      // An event of a newer server only moves the cursor.
      next = reduce(state, event);
    } catch (error) {
      this.#report(asClientError(error, "bad_answer"));
      return this.#resync();
    }
    this.#progressed = true;
    this.#state = next;
    this.#tell(() => this.#parts.handlers.onEvent?.(event));
    this.#tell(() => this.#parts.handlers.onState?.(next));
    this.#showWhenLive();
    return this.#stopping.signal.aborted;
  }

  #control(event: string, data: Readonly<Record<string, unknown>>): boolean {
    const ours = data.sessionId === this.#parts.sessionId;
    if (event === "session:resync" && ours) {
      this.#isBeginningGone = data.reason === "cursor_too_old";
      return this.#resync();
    }
    if (event === "sessions:removed" && ours) {
      this.#fault(new ClientError("session_not_found", "The session was deleted."));
      return true;
    }
    if (event === "error") this.#report(new ClientError(text(data.code, "bad_answer"), text(data.message, "")));
    return false;
  }

  /** What we hold is of no more use: begin anew. */
  #resync(): boolean {
    this.#last = this.#state ?? this.#last;
    this.#state = undefined;
    return true;
  }

  #accept(snapshot: SessionState): void {
    const state = shared(this.#last, snapshot);
    this.#last = undefined;
    this.#state = state;
    this.#tell(() => this.#parts.handlers.onState?.(state));
  }

  #fault(error: ClientError): void {
    if (FINAL_CODES.has(error.code) || this.#parts.endpoint.isShutOut(error)) this.#failure = error;
    this.#report(error);
  }

  #report(error: ClientError): void {
    report(this.#parts.handlers, error);
  }

  #showWhenLive(): void {
    if (this.#state !== undefined && this.#state.lastSeq >= this.#target) this.#show("live");
  }

  #show(status: ConnectionStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#tell(() => this.#parts.handlers.onConnection?.(status));
  }

  #tell(call: () => void): void {
    tell(this.#parts.handlers, call);
  }
}

function text(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
