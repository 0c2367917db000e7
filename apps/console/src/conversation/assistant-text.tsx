import type { ShownBlock } from "@hhopkins/agent-runtime-react";
import { ChevronDown, Download } from "lucide-react";
import { Button } from "../ui/button.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { saveFile } from "../ui/save-file.ts";
import { Markdown } from "./markdown/markdown.tsx";
import { useWholeBlock } from "./use-whole-block.ts";

type Block = Extract<ShownBlock, { type: "assistant_text" }>;

/** What the agent says. */
export function AssistantText({ block, isStreaming }: { readonly block: Block; readonly isStreaming: boolean }) {
  const whole = useWholeBlock(block);
  const { content } = whole.block;
  const save = async (): Promise<void> => {
    const loaded = await whole.load();
    if (loaded !== undefined) saveFile("answer.md", loaded.content);
  };
  return (
    <div className="group/text relative flex min-w-0 flex-col gap-2">
      <Markdown text={content} isStreaming={isStreaming} />
      {isStreaming && (
        <span aria-hidden className="inline-block h-4 w-1.5 animate-pulse self-start rounded-sm bg-accent" />
      )}
      {!isStreaming && (whole.isCut || content.length > 100_000) && (
        <div className="flex gap-1">
          {whole.isCut && (
            <Button tone="ghost" disabled={whole.isLoading} onClick={() => void whole.load()}>
              <ChevronDown />
              Show all
            </Button>
          )}
          <Button tone="ghost" disabled={whole.isLoading} onClick={() => void save()}>
            <Download />
            Download
          </Button>
        </div>
      )}
      {!isStreaming && content !== "" && (
        <CopyButton
          label="Copy answer"
          text={() => content}
          className="absolute -top-1 right-0 bg-canvas opacity-0 group-focus-within/text:opacity-100 group-hover/text:opacity-100 focus-visible:opacity-100"
        />
      )}
    </div>
  );
}
