import type { ConversationBlock, SessionEvent } from "@hhopkins/agent-runtime-protocol";
import type { BlockWrite } from "./session-store.ts";

/** The blocks that these events leave behind, whole. `wholeBlock`: one as it was before them. */
export async function blockWrites(
  events: readonly SessionEvent[],
  wholeBlock: (blockId: string) => Promise<ConversationBlock | null>,
): Promise<readonly BlockWrite[]> {
  const writes = new Map<string, BlockWrite>();
  for (const event of events) {
    switch (event.type) {
      case "session:block:start": {
        const { conversationId, block } = event.data;
        writes.set(block.id, { conversationId, blockId: block.id, position: event.seq, block });
        break;
      }
      case "session:block:complete": {
        const { conversationId, block } = event.data;
        const position = writes.get(block.id)?.position ?? event.seq;
        const kept = block.retracted === true ? null : block;
        writes.set(block.id, { conversationId, blockId: block.id, position, block: kept });
        break;
      }
      case "session:block:update": {
        const { conversationId, blockId, updates } = event.data;
        const known = writes.get(blockId)?.block ?? (await wholeBlock(blockId));
        if (known === null) break;
        const block = { ...known, ...updates } as ConversationBlock;
        writes.set(blockId, { conversationId, blockId, position: writes.get(blockId)?.position ?? event.seq, block });
        break;
      }
      default:
        break;
    }
  }
  return [...writes.values()];
}
