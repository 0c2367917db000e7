export {
  createAgentClient,
  type AgentClient,
  type FilesAt,
  type ListSessionsOptions,
  type SendMessageOptions,
} from "./client.ts";
export type { OutgoingAttachment } from "./message-form.ts";
export { ClientError } from "./client-error.ts";
export type { AgentClientOptions } from "./endpoint.ts";
export type { Backoff } from "./follow/backoff.ts";
export type { LiveEvent } from "./follow/frame.ts";
export type { ConnectionStatus, FollowHandlers, Following, FollowOptions } from "./follow/follower.ts";
export type { WatchHandlers, Watching, WatchOptions } from "./follow/list-watcher.ts";
export type { ReadEventsOptions } from "./read/read-events.ts";
export { conversationBlocks, conversationOf, olderCursor } from "./store/conversation-blocks.ts";
export type { SendOutcome } from "./store/pending-messages.ts";
export type { Schedule } from "./store/publisher.ts";
export { createSessionListStore, type SessionListSnapshot, type SessionListStore } from "./store/session-list-store.ts";
export { createSessionStore, type SessionStore, type SessionStoreOptions } from "./store/session-store.ts";
export { createSessionStores, type SessionStores, type SessionStoresOptions } from "./store/session-stores.ts";
export type { Delivery, OlderBlocks, OptimisticMessage, SessionSnapshot, ShownBlock } from "./store/snapshot.ts";
