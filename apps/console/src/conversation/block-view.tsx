import type { ShownBlock } from "@hhopkins/agent-runtime-react";
import type { ComponentType } from "react";
import { SubagentThread } from "../subagents/subagent-thread.tsx";
import { AssistantText } from "./assistant-text.tsx";
import { ErrorNotice, SystemNotice, UnknownBlock } from "./notices.tsx";
import { Thinking } from "./thinking.tsx";
import { OrphanedResult } from "./tools/tool-call.tsx";
import { UserMessage } from "./user-message.tsx";

export interface BlockViewProps {
  /** What a conversation within this block is made of. */
  readonly Item: ComponentType<{ readonly itemId: string }>;
  readonly block: ShownBlock;
  readonly isStreaming: boolean;
}

/** One block of a conversation that is no call of a tool. */
export function BlockView({ block, isStreaming, Item }: BlockViewProps) {
  switch (block.type) {
    case "user_message":
      return <UserMessage block={block} />;
    case "assistant_text":
      return <AssistantText block={block} isStreaming={isStreaming} />;
    case "thinking":
      return <Thinking block={block} isStreaming={isStreaming} />;
    case "tool_result":
      return <OrphanedResult block={block} />;
    case "system":
      return <SystemNotice block={block} />;
    case "subagent":
      return <SubagentThread block={block} Item={Item} />;
    case "error":
      return <ErrorNotice block={block} />;
    default:
      // Of a server that is newer than this page, or a call without its item.
      return <UnknownBlock block={block} />;
  }
}
