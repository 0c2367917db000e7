import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { CopyButton } from "../ui/copy-button.tsx";

/** Longer code is shown without colours. */
const MOST_COLOURED = 30_000;

export interface CodeBlockProps {
  readonly code: string;
  /** As it was written: `ts`, `typescript`, `ts title="a.ts"`, or nothing. */
  readonly language?: string | undefined;
}

/** Code with its language, a button that copies it, and colours as soon as those who make them are there. */
export function CodeBlock({ code, language }: CodeBlockProps) {
  const name = /^[\w+#.-]{1,30}/.exec(language ?? "")?.[0];
  const coloured = useColours(code, name);
  return (
    <figure className="group/code min-w-0 overflow-hidden rounded-lg border bg-raised/60">
      <div className="flex h-7 items-center justify-between pr-0.5 pl-3 text-xs text-muted">
        <figcaption>{name ?? "text"}</figcaption>
        <CopyButton label="Copy code" text={() => code} />
      </div>
      <pre
        dir="ltr"
        role="region"
        aria-label="Code"
        tabIndex={0}
        className="overflow-x-auto px-3 pb-2.5 font-mono text-[0.8125rem] leading-5"
      >
        <code>{coloured ?? code}</code>
      </pre>
    </figure>
  );
}

/** The code in colours; undefined until there are any. While code grows it waits for a pause. */
function useColours(code: string, language: string | undefined): ReactNode {
  const [shown, show] = useState<{ readonly code: string; readonly node: ReactNode }>();
  useEffect(() => {
    if (language === undefined || code.length > MOST_COLOURED) return;
    let isOver = false;
    const timer = setTimeout(() => {
      import("./highlight.tsx").then(
        ({ highlight }) => isOver || show({ code, node: highlight(code, language) }),
        // Without colours, as it is.
        () => undefined,
      );
    }, 60);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [code, language]);
  return shown?.code === code ? shown.node : undefined;
}
