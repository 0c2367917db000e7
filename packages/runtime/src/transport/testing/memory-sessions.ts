import {
  initialState,
  reduce,
  RuntimeError,
  type EventDraft,
  type SendMessageAnswer,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import type { Principal } from "../../auth/principal.ts";
import { LogFrame } from "../../log/frame.ts";
import type { SessionListChange } from "../../log/list-watch.ts";
import { loggedAttachment } from "../../session/attachments.ts";
import { incomingMessage, type SentMessage } from "../../session/sent-message.ts";
import type { Follow, FollowOptions, SessionService } from "../../session/service.ts";

interface MemorySession {
  readonly tenant: string;
  logId: string;
  frames: LogFrame[];
  state: SessionState;
  deleted: boolean;
  readonly answers: Map<string, { content: string; answer: SendMessageAnswer }>;
  /** Woken at every change. */
  readonly wakes: Set<() => void>;
}

const BATCH = 50;

/**
 * Sessions in memory and without agents: what the transports are tested against. Its log, cursors, idempotency and
 * tenants behave as the service's contract says; `calls` records the commands that do nothing here.
 */
export class MemorySessions implements SessionService {
  readonly calls: string[] = [];
  readonly workspace = new Map<string, Uint8Array>();
  readonly #sessions = new Map<string, MemorySession>();
  readonly #watchers = new Set<{ tenant: string; listener: (change: SessionListChange) => void }>();
  #count = 0;
  /** Thrown by the next call, once. */
  failNext: unknown;
  isReady = true;

  /** Follows that have not ended. */
  following = 0;
  /** Frames that followers have pulled. */
  pulled = 0;

  append(sessionId: string, draft: EventDraft): SessionEvent {
    const session = this.#sessions.get(sessionId)!;
    const event: SessionEvent = { ...draft, seq: session.state.lastSeq + 1, at: new Date().toISOString() };
    session.frames.push(new LogFrame(event));
    session.state = reduce(session.state, event);
    for (const wake of session.wakes) wake();
    return event;
  }

  /** As after a crash that lost a tail: the log has another id and other entries. */
  replaceLog(sessionId: string): void {
    const session = this.#sessions.get(sessionId)!;
    session.logId = `${session.logId}-b`;
    session.state = { ...initialState(sessionId, session.logId) };
    const frames = session.frames.slice(0, 1);
    session.frames = [];
    for (const frame of frames)
      this.append(sessionId, { type: frame.event.type, data: frame.event.data } as EventDraft);
  }

  async create(principal: Principal, body: Parameters<SessionService["create"]>[1]) {
    this.#fail();
    if (body.agentProfileRef !== "default") throw new RuntimeError("unknown_profile", "There is no such profile.");
    this.#count += 1;
    const sessionId = `s${this.#count}`;
    const logId = `log:${this.#count}`;
    const state = initialState(sessionId, logId);
    this.#sessions.set(sessionId, {
      tenant: principal.tenant,
      logId,
      frames: [],
      state,
      deleted: false,
      answers: new Map(),
      wakes: new Set(),
    });
    const session = {
      sessionId,
      type: body.architecture,
      agentProfileReference: body.agentProfileRef,
      createdAt: new Date().toISOString(),
      ...(body.metadata === undefined ? {} : { metadata: body.metadata }),
    };
    this.append(sessionId, { type: "session:created", data: { sessionId, session } });
    this.#tell(principal.tenant, { event: "sessions:updated", session: { ...session, runtime: state.runtime } });
    return { ...session, runtime: state.runtime };
  }

  async list(principal: Principal, query: Parameters<SessionService["list"]>[1]) {
    this.#fail();
    const { limit, cursor, ...more } = query;
    if (Object.keys(more).length > 0) this.calls.push(`list ${JSON.stringify(more)}`);
    const mine = [...this.#sessions.values()].filter((session) => session.tenant === principal.tenant);
    const from = cursor === undefined ? 0 : Number(cursor);
    const sessions = mine.slice(from, from + limit).map(({ state }) => state);
    return from + limit < mine.length ? { sessions, nextCursor: String(from + limit) } : { sessions };
  }

  async state(principal: Principal, sessionId: string) {
    this.#fail();
    return this.#session(principal, sessionId).state;
  }

  async attachment(principal: Principal, sessionId: string): Promise<never> {
    this.#session(principal, sessionId);
    throw new RuntimeError("file_not_found", "Messages come with nothing here.");
  }

  async send(principal: Principal, sessionId: string, message: SentMessage) {
    this.#fail();
    const session = this.#session(principal, sessionId);
    const key = message.messageId ?? message.idempotencyKey ?? `m${session.state.lastSeq + 1}`;
    const known = session.answers.get(key);
    if (known !== undefined) {
      if (known.content === message.content) return known.answer;
      throw new RuntimeError("conflict", "The messageId was used with another content.");
    }
    const { attachments, resultSchema } = incomingMessage(message);
    const answer: SendMessageAnswer = { success: true, sessionId, messageId: key };
    session.answers.set(key, { content: message.content, answer });
    this.append(sessionId, {
      type: "session:message:queued",
      data: {
        sessionId,
        messageId: key,
        content: message.content,
        ...(message.mode === undefined ? {} : { mode: message.mode }),
        ...(attachments === undefined ? {} : { attachments: attachments.map((one) => loggedAttachment(one, key)) }),
        ...(resultSchema === undefined ? {} : { resultSchema }),
      },
    });
    return answer;
  }

  async updateMessage(principal: Principal, sessionId: string, message: { messageId: string; content: string }) {
    const { state } = this.#session(principal, sessionId);
    if (!state.queue.some((queued) => queued.messageId === message.messageId)) {
      throw new RuntimeError("message_not_found", "There is no such queued message.");
    }
    this.append(sessionId, { type: "session:message:updated", data: { sessionId, ...message } });
  }

  async withdrawMessage(principal: Principal, sessionId: string, messageId: string) {
    this.#session(principal, sessionId);
    this.append(sessionId, { type: "session:message:withdrawn", data: { sessionId, messageId } });
  }

  async answer(principal: Principal, sessionId: string, { askId, answer }: Parameters<SessionService["answer"]>[2]) {
    const { state } = this.#session(principal, sessionId);
    const by = principal.id;
    if (state.asks.every((ask) => ask.askId !== askId))
      throw new RuntimeError("ask_not_found", "There is no such ask.");
    this.append(sessionId, { type: "session:ask:resolved", data: { sessionId, askId, answer, by } });
    return { success: true as const, sessionId, askId, answer, by };
  }

  async stopSubagent(principal: Principal, sessionId: string, subagentId: string) {
    this.#session(principal, sessionId);
    this.calls.push(`stopSubagent ${sessionId} ${subagentId}`);
  }

  async interrupt(principal: Principal, sessionId: string) {
    this.#session(principal, sessionId);
    this.calls.push(`interrupt ${sessionId}`);
  }

  async updateOptions(principal: Principal, sessionId: string, sessionOptions: { model?: string }) {
    this.#session(principal, sessionId);
    this.append(sessionId, { type: "session:options:update", data: { sessionId, sessionOptions } });
  }

  async rewind(principal: Principal, sessionId: string, { turnId }: { turnId: string }) {
    const { state } = this.#session(principal, sessionId);
    this.calls.push(`rewind ${sessionId} ${turnId}`);
    return { sessionId, turnId, lastSeq: state.lastSeq };
  }

  async sync(principal: Principal, sessionId: string) {
    this.#session(principal, sessionId);
    this.calls.push(`sync ${sessionId}`);
  }

  async unload(principal: Principal, sessionId: string) {
    this.#session(principal, sessionId);
    this.calls.push(`unload ${sessionId}`);
  }

  async delete(principal: Principal, sessionId: string) {
    const session = this.#session(principal, sessionId);
    session.deleted = true;
    this.#sessions.delete(sessionId);
    for (const wake of session.wakes) wake();
    this.#tell(principal.tenant, { event: "sessions:removed", sessionId });
  }

  async blocks(principal: Principal, sessionId: string, page: { before?: string; limit: number }) {
    const all = this.#session(principal, sessionId).frames.flatMap(({ event }) =>
      event.type === "session:block:start" ? [event.data.block] : [],
    );
    const end = page.before === undefined ? all.length : all.findIndex((block) => block.id === page.before);
    const blocks = all.slice(Math.max(0, end - page.limit), end);
    return end > page.limit && blocks[0] !== undefined ? { blocks, before: blocks[0].id } : { blocks };
  }

  async files(principal: Principal, sessionId: string, { seq }: { seq?: number | "start" | undefined } = {}) {
    this.#session(principal, sessionId);
    if (seq !== undefined) this.calls.push(`files ${seq}`);
    return { files: [...this.workspace].map(([path, bytes]) => ({ path, size: bytes.byteLength })) };
  }

  async putFile(principal: Principal, sessionId: string, { path, bytes }: { path: string; bytes: Uint8Array }) {
    this.#session(principal, sessionId);
    const created = !this.workspace.has(path);
    this.workspace.set(path, bytes);
    return { file: { path, size: bytes.byteLength }, created };
  }

  async deleteFile(principal: Principal, sessionId: string, path: string) {
    this.#session(principal, sessionId);
    if (!this.workspace.delete(path)) throw new RuntimeError("file_not_found", "There is no such file.");
  }

  async file(
    principal: Principal,
    sessionId: string,
    { path, seq }: { path: string; seq?: number | "start" | undefined },
  ) {
    this.#session(principal, sessionId);
    if (seq !== undefined) this.calls.push(`file ${seq}`);
    const bytes = this.workspace.get(path);
    if (bytes === undefined) throw new RuntimeError("file_not_found", "There is no such file.");
    async function* chunks(whole: Uint8Array) {
      for (let at = 0; at < whole.byteLength; at += 65_536) yield whole.subarray(at, at + 65_536);
    }
    return { entry: { path, size: bytes.byteLength }, bytes: chunks(bytes) };
  }

  async archive(principal: Principal, sessionId: string) {
    this.#session(principal, sessionId);
    return (async function* () {
      yield Buffer.from("PK");
    })();
  }

  async network(principal: Principal, sessionId: string) {
    this.#session(principal, sessionId);
    return { allowedHosts: ["example.com"], places: [] };
  }

  async sandbox(principal: Principal, sessionId: string) {
    const { state } = this.#session(principal, sessionId);
    return { sandbox: state.runtime.sandbox, generations: [], log: { lines: ["runner: starts"] } };
  }

  async follow(principal: Principal, sessionId: string, options: FollowOptions): Promise<Follow> {
    this.#fail();
    const session = this.#session(principal, sessionId);
    const { logId, state } = session;
    const at = { logId, lastSeq: state.lastSeq };
    const none = (async function* () {})();
    if (options.logId !== undefined && options.logId !== logId) return { ...at, resync: "log_replaced", batches: none };
    if (options.after > state.lastSeq) return { ...at, resync: "cursor_ahead", batches: none };
    return { ...at, batches: this.#batches(session, options) };
  }

  watch(principal: Principal, listener: (change: SessionListChange) => void) {
    const watcher = { tenant: principal.tenant, listener };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  async profiles() {
    return { profiles: [{ id: "default", name: "Default Agent" }] };
  }

  async readiness() {
    return { ready: this.isReady, checks: { persistence: this.isReady ? "ok" : "does not answer" } };
  }

  async *#batches(session: MemorySession, { after, signal, tail }: FollowOptions) {
    const end = tail === true ? session.state.lastSeq : Number.POSITIVE_INFINITY;
    let cursor = after;
    this.following += 1;
    try {
      while (!signal.aborted && !session.deleted && cursor < end) {
        const batch = session.frames.slice(cursor, Math.min(cursor + BATCH, end));
        if (batch.length === 0) await change(session, signal);
        else yield batch;
        this.pulled += batch.length;
        cursor += batch.length;
      }
    } finally {
      this.following -= 1;
    }
  }

  #session(principal: Principal, sessionId: string): MemorySession {
    const session = this.#sessions.get(sessionId);
    if (session?.tenant === principal.tenant) return session;
    throw new RuntimeError("session_not_found", "There is no such session.");
  }

  #tell(tenant: string, change: SessionListChange): void {
    for (const watcher of this.#watchers) if (watcher.tenant === tenant) watcher.listener(change);
  }

  #fail(): void {
    const failure = this.failNext;
    this.failNext = undefined;
    if (failure !== undefined) throw failure;
  }
}

function change(session: MemorySession, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      session.wakes.delete(wake);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    session.wakes.add(wake);
    signal.addEventListener("abort", wake);
  });
}
