import { MAIN_CONVERSATION, type Attachment } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";

const BLOCKS_PAGE = 500;

/** What the messages came with that turns have taken, newest message first; one blob can come more than once. */
export async function* messageAttachments(store: SessionStore, key: SessionKey): AsyncGenerator<Attachment> {
  const page = { conversationId: MAIN_CONVERSATION, limit: BLOCKS_PAGE };
  let found = await store.blocks(key, page);
  for (;;) {
    for (const block of found.blocks.toReversed()) if (block.type === "user_message") yield* block.attachments ?? [];
    const [oldest] = found.blocks;
    if (!found.more || oldest === undefined) return;
    found = await store.blocks(key, { ...page, before: oldest.id });
  }
}
