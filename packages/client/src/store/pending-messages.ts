import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { asClientError, ClientError } from "../client-error.ts";
import type { AgentClient, SendMessageOptions } from "../client.ts";
import type { OptimisticMessage } from "./snapshot.ts";

/** What became of a message: without `error` the server has it. */
export interface SendOutcome {
  readonly messageId: string;
  readonly error?: ClientError;
}

interface Entry {
  shown: OptimisticMessage;
  readonly options: SendMessageOptions;
  sending: Promise<SendOutcome> | undefined;
  /** Called once it is known what became of it: the next one may go. */
  letNextGo: () => void;
  /** The log has shown it, in the queue or in a turn. */
  isInLog: boolean;
  /** It was answered before the line was cut: once the line is back, the log must have it or be done with it. */
  isDue: boolean;
}

interface PendingParts {
  readonly client: AgentClient;
  readonly sessionId: string;
  /** The log's state as far as it is known. */
  readonly state: () => SessionState | undefined;
  /** Called with the messages after each change. */
  readonly onChange: (messages: readonly OptimisticMessage[]) => void;
}

/** Our own messages between the moment when they are sent and the moment when the log has their block. */
export class PendingMessages {
  readonly #parts: PendingParts;
  readonly #entries = new Map<string, Entry>();
  /** What became of those before is known. */
  #before: Promise<void> = Promise.resolve();

  constructor(parts: PendingParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Shows and sends a message. One with the id of another that is on its way is that other one. */
  send(content: string, options: SendMessageOptions = {}): Promise<SendOutcome> {
    const messageId = options.messageId ?? newMessageId();
    const known = this.#entries.get(messageId);
    if (known?.sending !== undefined) return known.sending;
    const { mode } = options;
    const shown: OptimisticMessage = {
      type: "user_message",
      id: messageId,
      timestamp: new Date().toISOString(),
      content,
      delivery: "sending",
      ...(mode === undefined ? {} : { mode }),
    };
    const entry: Entry = { shown, options, sending: undefined, letNextGo: nothing, isInLog: false, isDue: false };
    this.#entries.set(messageId, entry);
    return this.#deliver(entry);
  }

  /** Sends a failed message once more, with its id: if it has arrived after all, nothing is done twice. */
  retry(messageId: string): Promise<SendOutcome> {
    const entry = this.#entries.get(messageId);
    if (entry === undefined) return Promise.resolve({ messageId });
    return entry.sending ?? this.#deliver(entry);
  }

  /** Forgets a message. It does not take back what the server has: that is `withdrawMessage`. */
  drop(messageId: string): void {
    if (this.#entries.delete(messageId)) this.#tell();
  }

  /** Compares with the log's state: what has its block, or was withdrawn, is done. */
  settle(state: SessionState): void {
    if (this.#entries.size === 0) return;
    let isChanged = false;
    for (const [id, entry] of this.#entries) {
      const queued = state.queue.find(({ messageId }) => messageId === id);
      const isTaken = state.turn?.messageIds.includes(id) === true;
      if (state.blocks.some((block) => block.id === id) || (entry.isInLog && queued === undefined && !isTaken)) {
        isChanged = this.#entries.delete(id);
      } else if (queued !== undefined || isTaken) {
        isChanged = confirm(entry, queued?.content) || isChanged;
      }
    }
    if (isChanged) this.#tell();
  }

  /** The line was cut. */
  noteCut(): void {
    for (const entry of this.#entries.values()) entry.isDue = entry.shown.delivery === "queued";
  }

  /** The line is back, and `state` has all that the log had by then. */
  noteLive(state: SessionState): void {
    this.settle(state);
    let isChanged = false;
    for (const [id, entry] of this.#entries)
      if (entry.isDue && !entry.isInLog) isChanged = this.#entries.delete(id) || isChanged;
    if (isChanged) this.#tell();
  }

  #deliver(entry: Entry): Promise<SendOutcome> {
    const { error: _error, ...shown } = entry.shown;
    entry.shown = { ...shown, delivery: "sending" };
    const { promise: told, resolve } = Promise.withResolvers<void>();
    entry.letNextGo = resolve;
    // An urgent one waits for nobody; the others arrive in the order in which they were said.
    const before = entry.options.mode === "interrupt" ? Promise.resolve() : this.#before;
    this.#before = Promise.all([this.#before, told]).then(() => undefined);
    entry.sending = before
      .then(() => this.#post(entry))
      .then(
        () => this.#end(entry, undefined),
        (error: unknown) => this.#end(entry, asClientError(error)),
      );
    this.#tell();
    return entry.sending;
  }

  async #post(entry: Entry): Promise<void> {
    const { client, sessionId } = this.#parts;
    const { id, content } = entry.shown;
    if (this.#entries.get(id) !== entry)
      throw new ClientError("message_not_found", "The message was dropped before it was sent.");
    await client.sendMessage(sessionId, content, { ...entry.options, messageId: id });
  }

  #end(entry: Entry, error: ClientError | undefined): SendOutcome {
    entry.sending = undefined;
    entry.letNextGo();
    const { id } = entry.shown;
    // What the log has shown meanwhile has arrived, whatever became of the answer.
    if (error === undefined || entry.isInLog) entry.shown = { ...entry.shown, delivery: "queued" };
    else entry.shown = { ...entry.shown, delivery: "failed", error };
    if (this.#entries.get(id) === entry) {
      this.#tell();
      // One that was sent long ago, and once more now, is in the log already: no event will come.
      const state = this.#parts.state();
      if (state !== undefined) this.settle(state);
    }
    return error === undefined || entry.isInLog ? { messageId: id } : { messageId: id, error };
  }

  #tell(): void {
    this.#parts.onChange(Array.from(this.#entries.values(), ({ shown }) => shown));
  }
}

const nothing = (): void => undefined;

/** Notes that the log has a message; true where that changes what is shown. */
function confirm(entry: Entry, content: string | undefined): boolean {
  entry.isInLog = true;
  entry.letNextGo();
  const { error: _error, ...shown } = entry.shown;
  const text = content ?? shown.content;
  if (shown.delivery === "queued" && shown.content === text) return false;
  entry.shown = { ...shown, content: text, delivery: "queued" };
  return true;
}

/** Browsers have `randomUUID` in secure contexts alone. */
function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
