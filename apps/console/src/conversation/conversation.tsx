import { BlockList } from "@hhopkins/agent-runtime-react";
import type { ShownBlock } from "@hhopkins/agent-runtime-react";

export interface ConversationProps {
  readonly sessionId: string;
  /** `main`, or a subagent's id. */
  readonly conversationId?: string;
}

export function Conversation({ sessionId, conversationId = "main" }: ConversationProps) {
  return (
    <BlockList sessionId={sessionId} conversationId={conversationId} className="min-h-0 flex-1 overflow-auto p-4">
      {renderBlock}
    </BlockList>
  );
}

function renderBlock(block: ShownBlock) {
  return <p className="whitespace-pre-wrap">{"content" in block ? block.content : block.type}</p>;
}
