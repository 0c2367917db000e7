import { MAIN_CONVERSATION, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { asClientError, type ClientError } from "../client-error.ts";
import type { AgentClient, SendMessageOptions } from "../client.ts";
import type { LiveEvent } from "../follow/frame.ts";
import type { ConnectionStatus, FollowHandlers, Following, FollowOptions } from "../follow/follower.ts";
import { olderCursor } from "./conversation-blocks.ts";
import { changeOlder, slideOlder, withPage } from "./older-blocks.ts";
import { PendingMessages, type SendOutcome } from "./pending-messages.ts";
import { nextFrame, type Schedule } from "./publisher.ts";
import type { OlderBlocks, SessionSnapshot } from "./snapshot.ts";

export interface SessionStoreOptions {
  /** A state to begin with, such as one that a server rendered a page from; what has happened since is caught up with. */
  readonly state?: SessionState;
  /** Milliseconds that the live line is kept after the last subscriber has gone; 1000. */
  readonly graceMs?: number;
  /** Blocks of a page of older ones, 1–500; 100. */
  readonly pageSize?: number;
  /** When subscribers are told of events; with the screen's next frame where there is a screen. */
  readonly schedule?: Schedule;
  /** How the line is kept. */
  readonly follow?: Omit<FollowOptions, "state" | "fromStart">;
  /** Each event of the log that arrives while somebody subscribes. */
  readonly onEvent?: (sessionId: string, event: LiveEvent) => void;
}

/** One session, live: a store in the shape of React's `useSyncExternalStore` and of what other frameworks take. */
export interface SessionStore {
  readonly sessionId: string;
  /** True while nobody subscribes and the line is closed. */
  readonly isIdle: boolean;
  /** The same object until something changes. */
  getSnapshot(): SessionSnapshot;
  /** Follows the session as long as anybody subscribes; all share one line. Answers how to leave off. */
  subscribe(listener: () => void): () => void;
  /** Shows the message at once and sends it. Never rejects: what failed says so in `pending`, and by its outcome. */
  sendMessage(content: string, options?: SendMessageOptions): Promise<SendOutcome>;
  /** Sends a message again that has failed. */
  retryMessage(messageId: string): Promise<SendOutcome>;
  /** Forgets a message that has failed. */
  dropMessage(messageId: string): void;
  /** Brings the page of blocks before those that are there. Never rejects: `older` says what failed. */
  loadOlder(conversationId?: string): Promise<void>;
  /**
   * Follows until the state is there, and resolves with it; after `failed` begins anew. Rejects with `ClientError` where
   * there will be none. The same promise for all who ask meanwhile.
   */
  load(): Promise<SessionState>;
  /** Tries at once to come back, or looks whether the line holds; what is there stays. Browsers' own signs do so by themselves. */
  wake(): void;
  /** Begins anew, with a new snapshot; the way on after `failed`. */
  reload(): void;
}

/** A store for a session of `client`'s server. It costs nothing until somebody subscribes. */
export function createSessionStore(
  client: AgentClient,
  sessionId: string,
  options: SessionStoreOptions = {},
): SessionStore {
  return new FollowedStore(client, sessionId, options);
}

class FollowedStore implements SessionStore {
  readonly sessionId: string;
  readonly #client: AgentClient;
  readonly #options: SessionStoreOptions;
  readonly #listeners = new Set<() => void>();
  readonly #messages: PendingMessages;
  /** What subscribers see. */
  #shown: SessionSnapshot;
  /** What is known; shown with the next frame. */
  #known: SessionSnapshot;
  #isScheduled = false;
  #following: Following | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #loading: Promise<SessionState> | undefined;

  constructor(client: AgentClient, sessionId: string, options: SessionStoreOptions) {
    this.sessionId = sessionId;
    this.#client = client;
    this.#options = options;
    this.#messages = new PendingMessages({
      client,
      sessionId,
      state: () => this.#known.state,
      onChange: (pending) => this.#change({ pending }, "now"),
    });
    const state = options.state === undefined ? {} : { state: options.state };
    this.#known = { sessionId, connection: "idle", pending: [], older: {}, ...state };
    this.#shown = this.#known;
  }

  get isIdle(): boolean {
    return this.#listeners.size === 0 && this.#following === undefined && this.#messages.size === 0;
  }

  getSnapshot = (): SessionSnapshot => this.#shown;

  subscribe = (listener: () => void): (() => void) => {
    // One function may subscribe twice, and leaves off twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    clearTimeout(this.#grace);
    if (this.#following === undefined) this.#follow();
    return () => {
      if (!this.#listeners.delete(own) || this.#listeners.size > 0) return;
      this.#grace = setTimeout(() => this.#close(), this.#options.graceMs ?? 1000);
    };
  };

  sendMessage(content: string, options?: SendMessageOptions): Promise<SendOutcome> {
    return this.#messages.send(content, options);
  }

  retryMessage(messageId: string): Promise<SendOutcome> {
    return this.#messages.retry(messageId);
  }

  dropMessage(messageId: string): void {
    this.#messages.drop(messageId);
  }

  async loadOlder(conversationId: string = MAIN_CONVERSATION): Promise<void> {
    const before = olderCursor(this.#known, conversationId);
    const loaded = this.#known.older[conversationId];
    if (before === undefined || loaded?.isLoading === true) return;
    this.#putOlder(conversationId, { blocks: loaded?.blocks ?? [], before, isLoading: true });
    const page = { conversation: conversationId, before, limit: this.#options.pageSize ?? 100 };
    const put = (change: (part: OlderBlocks) => OlderBlocks): void => {
      const part = this.#known.older[conversationId];
      // Pages that were dropped meanwhile stay so.
      if (part?.isLoading === true && part.before === before) this.#putOlder(conversationId, change(part));
    };
    try {
      const answer = await this.#client.getBlocks(this.sessionId, page);
      put((part) => withPage(part, answer));
    } catch (error) {
      put((part) => ({ ...part, isLoading: false, error: asClientError(error) }));
    }
  }

  load(): Promise<SessionState> {
    if (this.#loading === undefined) {
      const done = (): void => void (this.#loading = undefined);
      this.#loading = this.#load();
      this.#loading.then(done, done);
    }
    return this.#loading;
  }

  wake(): void {
    this.#following?.wake();
  }

  reload(): void {
    const wasFollowed = this.#following !== undefined;
    this.#close();
    const { state: _state, error: _error, ...rest } = this.#known;
    this.#known = { ...rest, older: {} };
    this.#publish();
    if (wasFollowed || this.#listeners.size > 0) this.#follow();
  }

  #load(): Promise<SessionState> {
    if (this.#shown.connection === "failed") this.reload();
    // Nothing to wait for; and who subscribes would be told before there is a way to leave off.
    if (this.#shown.state !== undefined) return Promise.resolve(this.#shown.state);
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const { state, connection, error } = this.#shown;
        if (state !== undefined) resolve(state);
        else if (connection === "failed") reject(asClientError(error));
        else return false;
        return true;
      };
      const leave = this.subscribe(() => look() && leave());
      if (look()) leave();
    });
  }

  #follow(): void {
    const { state } = this.#known;
    // An earlier follower may still have something to say.
    let own: Following | undefined;
    const isCurrent = (): boolean => own === this.#following;
    const handlers: FollowHandlers = {
      onEvent: (event) => isCurrent() && this.#onEvent(event),
      onState: (next) => isCurrent() && this.#onState(next),
      onConnection: (status) => isCurrent() && this.#onConnection(status),
      onError: (error) => isCurrent() && this.#onError(error),
    };
    const from = state === undefined ? {} : { state };
    own = this.#client.follow(this.sessionId, handlers, { ...this.#options.follow, ...from });
    this.#following = own;
    this.#change({ connection: "connecting" }, "now");
  }

  #close(): void {
    clearTimeout(this.#grace);
    const following = this.#following;
    this.#following = undefined;
    following?.stop();
    this.#change({ connection: "idle" }, "now");
  }

  #onEvent(event: LiveEvent): void {
    const older = changeOlder(this.#known.older, event);
    if (older !== this.#known.older) this.#change({ older }, "soon");
    // A line that brings events is well again.
    if (this.#known.error !== undefined && this.#known.connection === "live") this.#clearError();
    this.#options.onEvent?.(this.sessionId, event);
  }

  #onState(state: SessionState): void {
    const before = this.#known.state;
    const older = before === undefined ? this.#known.older : slideOlder(this.#known.older, before, state);
    this.#change({ state, older }, before === undefined ? "now" : "soon");
    this.#messages.settle(state);
  }

  #onConnection(connection: ConnectionStatus): void {
    if (connection === "live") {
      const { error: _error, ...rest } = this.#known;
      this.#known = rest;
      if (rest.state !== undefined) this.#messages.noteLive(rest.state);
    }
    if (connection === "reconnecting") this.#messages.noteCut();
    this.#change({ connection }, "now");
  }

  #onError(error: ClientError): void {
    this.#change({ error }, "now");
  }

  #clearError(): void {
    const { error: _error, ...rest } = this.#known;
    this.#known = rest;
    this.#change({}, "soon");
  }

  #putOlder(conversationId: string, part: OlderBlocks): void {
    this.#change({ older: { ...this.#known.older, [conversationId]: part } }, "now");
  }

  #change(changes: Partial<SessionSnapshot>, when: "now" | "soon"): void {
    this.#known = { ...this.#known, ...changes };
    if (when === "now") this.#publish();
    else if (!this.#isScheduled) {
      this.#isScheduled = true;
      (this.#options.schedule ?? nextFrame)(() => {
        if (this.#isScheduled) this.#publish();
      });
    }
  }

  #publish(): void {
    this.#isScheduled = false;
    if (this.#shown === this.#known) return;
    this.#shown = this.#known;
    for (const listener of this.#listeners) listener();
  }
}
