import { initialState, type ConversationBlock, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { expect, vi } from "vitest";
import { createAgentClient } from "../../client.ts";
import { FakeServer, type FakeSocket } from "../../testing/fake-server.ts";
import { conversationBlocks } from "../conversation-blocks.ts";
import { createSessionStore, type SessionStore, type SessionStoreOptions } from "../session-store.ts";

export const at = "2026-01-01T00:00:00.000Z";
const follow = { backoff: { initialMs: 1, maxMs: 2 } };

export function stateOf(more: Partial<SessionState>): SessionState {
  return { ...initialState("s", "log"), ...more };
}

export function text(id: string, content = id): ConversationBlock {
  return { type: "assistant_text", id, timestamp: at, content };
}

export function event(seq: number, type: string, data: object): object {
  return { event: type, data: { sessionId: "s", ...data }, seq, at };
}

export const start = (seq: number, block: object): object =>
  event(seq, "session:block:start", { conversationId: "main", block });
export const delta = (seq: number, blockId: string, more: string): object =>
  event(seq, "session:block:delta", { conversationId: "main", blockId, delta: more });
export const queued = (seq: number, messageId: string, content = "hi"): object =>
  event(seq, "session:message:queued", { messageId, content });
export const turn = (seq: number, messageId: string): object =>
  event(seq, "session:turn:started", { turnId: "t", messageIds: [messageId] });
export const userBlock = (id: string): object => ({ type: "user_message", id, timestamp: at, content: "hi" });
export const resync = (lastSeq: number): object => ({
  event: "session:resync",
  data: { sessionId: "s", reason: "cursor_too_old", lastSeq, logId: "log" },
});

export async function soon(condition: () => void): Promise<void> {
  await vi.waitFor(condition, { interval: 1, timeout: 10_000 });
}

/** A store of session `s` before a server that the test plays. */
export class StoreUnderTest {
  readonly server = new FakeServer();
  store: SessionStore;
  told = 0;
  leave: () => void = () => {};

  constructor() {
    this.server.answers = [stateOf({ lastSeq: 3 })];
    this.store = this.make();
  }

  make(options: SessionStoreOptions = {}): SessionStore {
    const { fetch, WebSocket } = this.server;
    const client = createAgentClient({ baseUrl: "http://x", apiKey: "k", fetch, WebSocket });
    this.store = createSessionStore(client, "s", { follow, graceMs: 5, ...options });
    return this.store;
  }

  subscribe(): void {
    this.leave = this.store.subscribe(() => (this.told += 1));
  }

  async socket(n: number): Promise<FakeSocket> {
    return vi.waitUntil(() => this.server.sockets[n - 1], { interval: 1, timeout: 10_000 });
  }

  /** Followed and live at `state`. */
  async live(state: Partial<SessionState> = {}, options: SessionStoreOptions = {}): Promise<FakeSocket> {
    const first = stateOf({ lastSeq: 3, ...state });
    this.server.answers = [first];
    this.make(options);
    this.subscribe();
    const line = await this.socket(1);
    line.open();
    line.acknowledge(first.lastSeq);
    expect(this.store.getSnapshot().connection).toBe("live");
    return line;
  }

  /** Ids of the blocks as they are shown, with what became of our own messages. */
  shown(): string[] {
    return conversationBlocks(this.store.getSnapshot()).map((block) =>
      "delivery" in block ? `${block.id} ${block.delivery}` : block.id,
    );
  }
}
