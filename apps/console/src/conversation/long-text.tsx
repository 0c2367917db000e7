import { clsx } from "clsx";
import { ChevronDown, ChevronUp, Download } from "lucide-react";
import { Button } from "../ui/button.tsx";
import { countText } from "../ui/format.ts";
import { saveFile } from "../ui/save-file.ts";
import { firstLines } from "./first-lines.ts";
import { useFold } from "./place.tsx";
import type { RestOfText } from "./use-whole-block.ts";

export interface LongTextProps {
  /** What its fold is remembered by. */
  readonly id: string;
  readonly text: string;
  /** Lines that are shown while it is folded. */
  readonly lines?: number;
  /** The text goes on at the server; brings the whole. */
  readonly more?: RestOfText | undefined;
  /** What it is saved as. */
  readonly fileName: string;
  /** What is shown of what is laid out; a file has it as it was. */
  readonly format?: (text: string) => string;
  /** Words of somebody, and no output of a program. */
  readonly isProse?: boolean;
  readonly className?: string | undefined;
}

/** What is laid out of a text at most, folded and open. What is longer can be saved. */
const FOLDED = 4000;
const OPEN = 100_000;
const SMALL = "h-7 px-2 text-xs text-muted";

function asItIs(text: string): string {
  return text;
}

/** A text that may be of any length: its beginning, then more of it, then a file. */
export function LongText({
  id,
  text,
  lines = 12,
  more,
  fileName,
  format = asItIs,
  isProse = false,
  className,
}: LongTextProps) {
  const [isOpen, setOpen] = useFold(`${id}/text`, false);
  const bounds = isOpen ? { lines: Number.POSITIVE_INFINITY, characters: OPEN } : { lines, characters: FOLDED };
  const shown = firstLines(text, bounds);
  const hasMore = shown.isCut || more !== undefined;
  const open = async (): Promise<void> => {
    setOpen(true);
    await more?.load();
  };
  const save = async (): Promise<void> => {
    const whole = more === undefined ? text : await more.load();
    if (whole !== undefined) saveFile(fileName, whole);
  };
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <pre
        dir="auto"
        className={clsx(
          "wrap-anywhere whitespace-pre-wrap",
          isProse ? "font-sans" : "font-mono text-[0.8125rem] leading-5",
          className,
        )}
      >
        {format(shown.text)}
      </pre>
      {(hasMore || isOpen) && (
        <div className="flex flex-wrap items-center gap-1 text-xs text-muted">
          {hasMore && !isOpen && (
            <Button tone="ghost" className={SMALL} disabled={more?.isLoading === true} onClick={() => void open()}>
              <ChevronDown />
              Show all
            </Button>
          )}
          {isOpen && (
            <Button tone="ghost" className={SMALL} onClick={() => setOpen(false)}>
              <ChevronUp />
              Show less
            </Button>
          )}
          {hasMore && (
            <Button tone="ghost" className={SMALL} disabled={more?.isLoading === true} onClick={() => void save()}>
              <Download />
              Download
            </Button>
          )}
          {isOpen && shown.isCut && (
            <span>
              The first {countText(OPEN)} of {countText(text.length)} characters.
            </span>
          )}
        </div>
      )}
    </div>
  );
}
