import { createAgentClient, type Following, type LiveEvent } from "@hhopkins/agent-runtime-client";
import type { ConversationBlock, SessionState } from "@hhopkins/agent-runtime-protocol";
import { API_KEY } from "../testing/runtime-under-test.ts";

/** A harness whose answers broke again and again asks once more within a minute; a starved machine takes its time too. */
const SILENCE_MS = 300_000;
/** Of the last events, how many are told of when no more come. */
const LATEST = 10;

/** Where a followed session works. */
export interface FollowedGround {
  readonly url: string;
  /** What those have to say of the session who had to do with it. */
  lastWords(sessionId: string): Promise<string>;
}

/** What a client that follows from the first event has seen, over every restart, counted as it came. */
export class ClientLog {
  readonly sessionId: string;
  events = 0;
  retracted = 0;
  /** Breaks in the order of the numbers, and frames that came twice. */
  readonly breaks: string[] = [];
  /** How often, by what: `message M`, `started M`, `completed M`, `tool LINE`, `text T`, `file PATH`. */
  readonly seen = new Map<string, number>();
  /** How each message's turn ended. */
  readonly ends = new Map<string, string>();
  /** Why it failed, by the code. */
  readonly failures = new Map<string, string>();
  readonly #following: Following;
  readonly #turns = new Map<string, readonly string[]>();
  readonly #waiting = new Set<() => void>();
  readonly #ground: FollowedGround;
  /** The last events, each as a line. */
  readonly #latest: string[] = [];
  #last = 0;
  #error = "";

  constructor(ground: FollowedGround, sessionId: string) {
    this.sessionId = sessionId;
    this.#ground = ground;
    const client = createAgentClient({ baseUrl: ground.url, apiKey: API_KEY });
    const backoff = { initialMs: 20, maxMs: 100 };
    this.#following = client.follow(
      sessionId,
      {
        onEvent: (event) => this.#take(event),
        onError: (error) => (this.#error = `${error.code}: ${error.message}`),
        onConnection: (status) => {
          // A client that gives up would wait for ever.
          if (status === "failed")
            this.breaks.push(`${sessionId}: the client gave up after ${this.#last}: ${this.#error}`);
          this.#look();
        },
      },
      { fromStart: true, backoff },
    );
  }

  get state(): SessionState | undefined {
    return this.#following.state;
  }

  get running(): boolean {
    return (this.state?.turn ?? null) !== null;
  }

  stop(): void {
    this.#following.stop();
  }

  /** Resolves when the condition holds; looks after each event. Rejects, with where everything stands, when no event comes any more. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#waiting.delete(look);
        clearTimeout(timer);
        settle();
      };
      const look = (): void => {
        timer.refresh();
        if (this.#following.status === "failed") end(() => reject(new Error(this.breaks.at(-1))));
        else if (condition()) end(resolve);
      };
      const timer = setTimeout(
        () => end(() => void this.#standing().then((standing) => reject(new Error(`Nothing more comes: ${standing}`)))),
        SILENCE_MS,
      );
      this.#waiting.add(look);
    });
  }

  async #standing(): Promise<string> {
    const { status, state } = this.#following;
    const { turn = null, queue = [], runtime } = state ?? {};
    const { sessionId } = this;
    const standing = { sessionId, status, error: this.#error, last: this.#last, turn, queue, runtime };
    const told = [JSON.stringify(standing), ...this.#latest];
    return [...told, await this.#ground.lastWords(sessionId).catch(String)].join("\n");
  }

  /** Resolves with the time at which the next event arrives. */
  async nextEvent(): Promise<number> {
    const { events } = this;
    await this.until(() => this.events > events);
    return performance.now();
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }

  #take(event: LiveEvent): void {
    const { seq, from = seq } = event;
    if (from !== this.#last + 1) this.breaks.push(`${this.sessionId}: ${from}–${seq} after ${this.#last}`);
    this.#last = seq;
    this.#latest.push(`  ${seq} ${event.at} ${event.type}`);
    if (this.#latest.length > LATEST) this.#latest.shift();
    this.events += 1;
    this.#count(event);
    // The state is folded before the handlers are called.
    this.#look();
  }

  #count({ type, data }: LiveEvent): void {
    switch (type) {
      case "session:turn:started":
        this.#turns.set(data.turnId, data.messageIds);
        return this.#each(data.messageIds, "started");
      case "session:turn:completed": {
        const messages = this.#turns.get(data.turnId) ?? [];
        for (const message of messages) {
          this.ends.set(message, data.status);
          if (data.error !== undefined) this.failures.set(message, data.error.code);
        }
        return this.#each(messages, "completed");
      }
      case "session:block:complete":
        return this.#block(data.block);
      case "session:file:created":
      case "session:file:modified":
        return this.#add(`file ${data.file.path}`);
      default:
    }
  }

  #block(block: ConversationBlock): void {
    if (block.retracted === true) {
      this.retracted += 1;
      return;
    }
    if (block.type === "user_message") this.#add(`message ${block.id}`);
    if (block.type === "assistant_text") this.#add(`text ${block.content}`);
    if (block.type !== "tool_use") return;
    const line = /^echo (\S+) >> ledger/.exec((block.input as { command?: string }).command ?? "")?.[1];
    if (line !== undefined) this.#add(`tool ${line}`);
  }

  #each(messages: unknown, what: string): void {
    for (const message of messages as string[]) this.#add(`${what} ${message}`);
  }

  #add(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }
}
