import type { ShownBlock } from "@hhopkins/agent-runtime-react";
import { Brain } from "lucide-react";
import { Fold } from "./fold.tsx";
import { LongText } from "./long-text.tsx";
import { restOf, useWholeBlock } from "./use-whole-block.ts";

type Block = Extract<ShownBlock, { type: "thinking" }>;

/** What the agent thinks, folded: its last words show that it goes on. */
export function Thinking({ block, isStreaming }: { readonly block: Block; readonly isStreaming: boolean }) {
  const whole = useWholeBlock(block);
  const { content } = whole.block;
  const more = restOf(whole, ({ content }) => content);
  return (
    <Fold
      id={block.id}
      icon={Brain}
      label={isStreaming ? "Thinking…" : "Thought"}
      hint={isStreaming ? content.slice(-120) : content.slice(0, 120)}
      isGrowing={isStreaming}
    >
      <LongText id={block.id} text={content} lines={40} more={more} fileName="thinking.txt" isProse />
    </Fold>
  );
}
