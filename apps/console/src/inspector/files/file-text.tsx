import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { firstLines } from "../../conversation/first-lines.ts";
import { Button } from "../../ui/button.tsx";
import { languageOf } from "./file-kind.ts";

/** What is shown of a text at a time. */
const PART = { lines: 5000, characters: 200_000 };
/** Characters up to which a text gets colours. */
const MOST_COLOURED = 60_000;

/** A file's text with its lines' numbers, long ones part by part. */
export function FileText({ path, text }: { readonly path: string; readonly text: string }) {
  const [shown, setShown] = useState({ text, parts: 1 });
  const parts = shown.text === text ? shown.parts : 1;
  const { text: part, isCut } = firstLines(text, { lines: PART.lines * parts, characters: PART.characters * parts });
  const coloured = useColours(path, isCut ? undefined : text);
  const lines = part.split("\n").length - (part.endsWith("\n") ? 1 : 0);
  return (
    <>
      <div className="flex min-w-0 font-mono text-xs leading-5">
        <pre aria-hidden className="shrink-0 border-r px-2 text-right text-muted select-none">
          {Array.from({ length: lines }, (_, index) => index + 1).join("\n")}
        </pre>
        <pre
          dir="ltr"
          role="region"
          aria-label="Content of the file"
          tabIndex={0}
          className="min-w-0 flex-1 overflow-x-auto px-3"
        >
          {coloured ?? part}
        </pre>
      </div>
      {isCut && (
        <div className="flex items-center gap-2 border-t p-2 text-muted">
          {Math.round((part.length / text.length) * 100)} % of it.
          <Button onClick={() => setShown({ text, parts: parts + 1 })}>Show more</Button>
        </div>
      )}
    </>
  );
}

/** A whole text in colours, as soon as those who make them are there. */
function useColours(path: string, text: string | undefined): ReactNode {
  const [made, setMade] = useState<{ readonly text: string; readonly node: ReactNode }>();
  const language = languageOf(path);
  useEffect(() => {
    if (text === undefined || language === "" || text.length > MOST_COLOURED) return undefined;
    let isOver = false;
    import("../../conversation/highlight.tsx").then(
      ({ highlight }) => isOver || setMade({ text, node: highlight(text, language) }),
      // Without colours, as it is.
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, [language, text]);
  return made !== undefined && made.text === text ? made.node : undefined;
}
