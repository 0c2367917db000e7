import type { ShownBlock } from "@hhopkins/agent-runtime-react";
import { Brain, ChevronRight } from "lucide-react";
import { LongText } from "./long-text.tsx";
import { useFold } from "./place.tsx";
import { useWholeBlock } from "./use-whole-block.ts";

type Block = Extract<ShownBlock, { type: "thinking" }>;

/** What the agent thinks, folded: its last words show that it goes on. */
export function Thinking({ block, isStreaming }: { readonly block: Block; readonly isStreaming: boolean }) {
  const [isOpen, setOpen] = useFold(block.id, false);
  const whole = useWholeBlock(block);
  const { content } = whole.block;
  const more = whole.isCut
    ? { isLoading: whole.isLoading, load: async () => (await whole.load())?.content }
    : undefined;
  const hint = isStreaming ? content.slice(-120) : content.slice(0, 120);
  return (
    <div className="text-muted">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex min-h-6 w-full min-w-0 items-center gap-1.5 rounded-md text-left hover:text-ink"
      >
        <Brain aria-hidden className={`size-3.5 shrink-0 ${isStreaming ? "animate-pulse text-accent" : ""}`} />
        <span className="shrink-0 font-medium">{isStreaming ? "Thinking…" : "Thought"}</span>
        {!isOpen && <span className="min-w-0 flex-1 truncate text-xs">{hint}</span>}
        <ChevronRight aria-hidden className={`size-3.5 shrink-0 transition-transform ${isOpen ? "rotate-90" : ""}`} />
      </button>
      {isOpen && (
        <div className="mt-1 border-l-2 pl-3">
          <LongText id={block.id} text={content} lines={40} more={more} fileName="thinking.txt" isProse />
        </div>
      )}
    </div>
  );
}
