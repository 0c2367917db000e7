import { useConversationItem, type ConversationItem } from "@hhopkins/agent-runtime-react";
import { Link2 } from "lucide-react";
import { Component, memo } from "react";
import type { ReactNode } from "react";
import { paths } from "../routes.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { BlockView } from "./block-view.tsx";
import { UnknownBlock } from "./notices.tsx";
import { usePlace } from "./place.tsx";
import { ToolCall } from "./tools/tool-call.tsx";

/** One item of the conversation; a delta renders that one alone. */
export const Item = memo(function Item({ itemId }: { readonly itemId: string }) {
  const { sessionId, conversationId } = usePlace();
  const { item, isStreaming } = useConversationItem(sessionId, itemId, { conversationId });
  if (item === undefined) return null;
  return (
    <FaultBoundary key={itemId} item={item}>
      {item.kind === "tool" ? (
        <ToolCall item={item} isStreaming={isStreaming} />
      ) : (
        <BlockView block={item.block} isStreaming={isStreaming} Item={Item} />
      )}
    </FaultBoundary>
  );
});

/** The address of a block, to be given to others. */
export function BlockLink({ sessionId, itemId }: { readonly sessionId: string; readonly itemId: string }) {
  const address = (): string =>
    new URL(`#${paths.session(sessionId)}?block=${encodeURIComponent(itemId)}`, location.href).href;
  return <CopyButton label="Copy link to this block" icon={<Link2 />} text={address} />;
}

interface FaultBoundaryProps {
  readonly item: ConversationItem;
  readonly children: ReactNode;
}

/** A block that cannot be shown as what it says it is does not take the page with it. */
class FaultBoundary extends Component<FaultBoundaryProps, { readonly isFaulty: boolean }> {
  override state = { isFaulty: false };

  static getDerivedStateFromError(): { readonly isFaulty: boolean } {
    return { isFaulty: true };
  }

  override render(): ReactNode {
    if (!this.state.isFaulty) return this.props.children;
    const { item } = this.props;
    return <UnknownBlock block={item.kind === "tool" ? item.call : item.block} />;
  }
}
