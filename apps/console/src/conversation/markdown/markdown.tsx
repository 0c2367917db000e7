import type { Token } from "marked";
import { memo, useState } from "react";
import { Block } from "./block-tokens.tsx";
import { isReadable } from "./readable.ts";
import { continueMarkdown, readMarkdown, type Markdown as Read } from "./tokens.ts";

export interface MarkdownProps {
  readonly text: string;
  /** It is still being written. */
  readonly isStreaming: boolean;
}

/** Longer texts are shown as they are: what nobody reads in one piece need not be laid out. */
const MOST = 100_000;

/** An agent's text. It becomes elements one by one, of kinds that are known here: nothing of it is ever taken as HTML. */
export function Markdown({ text, isStreaming }: MarkdownProps) {
  const [read] = useState(createReader);
  const tokens = text.length > MOST || !isReadable(text) ? undefined : read(text, isStreaming);
  if (tokens === undefined) return <p className="wrap-anywhere whitespace-pre-wrap">{text.slice(0, MOST)}</p>;
  return (
    <div dir="auto" className="flex min-w-0 flex-col gap-2.5 wrap-anywhere">
      {tokens.map((token, index) => (
        <Top key={index} token={token} />
      ))}
    </div>
  );
}

/** What is complete of a text that grows is the same object, and is not rendered again. */
const Top = memo(function Top({ token }: { readonly token: Token }) {
  return <Block token={token} />;
});

/** Reads one text as it grows. Undefined: it is no text that can be read, such as one of ten thousand `>` in a row. */
function createReader(): (text: string, isStreaming: boolean) => readonly Token[] | undefined {
  let last: Read | undefined;
  let wasStreaming = false;
  return (text, isStreaming) => {
    if (last?.text === text && wasStreaming === isStreaming) return last.tokens;
    try {
      last = isStreaming && last !== undefined ? continueMarkdown(last, text) : readMarkdown(text);
    } catch {
      return undefined;
    }
    wasStreaming = isStreaming;
    return last.tokens;
  };
}
