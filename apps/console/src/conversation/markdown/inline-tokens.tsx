import type { MarkedToken, Token, Tokens } from "marked";
import { ImageOff } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { visibleName } from "../../ui/visible-name.ts";
import { usePanelPath } from "../place.tsx";
import { decodeEntities, inlinePicture, linkTarget } from "./links.ts";

const DEEPEST = 20;
const LINK = "text-accent underline underline-offset-2 hover:opacity-80";

interface InlinesProps {
  readonly tokens: readonly Token[];
  readonly depth?: number;
}

export function Inlines({ tokens, depth = 0 }: InlinesProps): ReactNode {
  return tokens.map((token, index) => <Inline key={index} token={token} depth={depth} />);
}

function Inline({ token, depth }: { readonly token: Token; readonly depth: number }): ReactNode {
  if (depth > DEEPEST) return token.raw;
  const known = token as MarkedToken;
  const below = (tokens: readonly Token[]): ReactNode => <Inlines tokens={tokens} depth={depth + 1} />;
  switch (known.type) {
    case "text":
      return known.tokens === undefined ? decodeEntities(known.text) : below(known.tokens);
    case "escape":
      return known.text;
    case "strong":
      return <strong className="font-semibold">{below(known.tokens)}</strong>;
    case "em":
      return <em>{below(known.tokens)}</em>;
    case "del":
      return <del>{below(known.tokens)}</del>;
    case "codespan":
      return <code className="rounded bg-raised px-1 py-0.5 font-mono text-[0.9em]">{known.text}</code>;
    case "br":
      return <br />;
    case "checkbox":
      return <TaskBox isDone={known.checked} />;
    case "link":
      return <AgentLink token={known}>{below(known.tokens)}</AgentLink>;
    case "image":
      return <AgentImage token={known} />;
    case "html":
      return /^<br\s*\/?>$/i.test(known.raw) ? <br /> : <span className="text-muted">{known.raw}</span>;
    case "paragraph":
      return below(known.tokens);
    default:
      return known.raw;
  }
}

function TaskBox({ isDone }: { readonly isDone: boolean }) {
  return (
    <span role="img" aria-label={isDone ? "done" : "to do"} className="mr-1.5 -ml-5 inline-block w-3.5">
      {isDone ? "☑" : "☐"}
    </span>
  );
}

/** A link that leads where one may go; of any other the text alone. */
function AgentLink({ token, children }: { readonly token: Tokens.Link; readonly children: ReactNode }) {
  const target = linkTarget(token.href);
  if (target === undefined) return <span title={`Not opened: ${visibleName(token.href)}`}>{children}</span>;
  if (target.kind === "file") return <FileLink path={target.path}>{children}</FileLink>;
  return (
    <a href={target.href} title={visibleName(target.href)} target="_blank" rel="noopener noreferrer" className={LINK}>
      {children}
    </a>
  );
}

function FileLink({ path, children }: { readonly path: string; readonly children: ReactNode }) {
  return (
    <Link href={usePanelPath("files", path)} className={LINK}>
      {children}
    </Link>
  );
}

/** A picture from elsewhere tells its server who reads this: it is opened only by who wants that. */
function AgentImage({ token }: { readonly token: Tokens.Image }) {
  const inline = inlinePicture(token.href);
  const alt = decodeEntities(token.text);
  if (inline !== undefined)
    return <img src={inline} alt={alt} className="inline-block max-h-80 max-w-full rounded-md" />;
  const target = linkTarget(token.href);
  return (
    <span className="inline-flex max-w-full items-center gap-1.5 rounded-md border bg-raised px-2 py-0.5 text-sm">
      <ImageOff aria-hidden className="size-3.5 shrink-0 text-muted" />
      <span className="truncate">{alt === "" ? "picture" : alt}</span>
      {target?.kind === "web" && (
        <a
          href={target.href}
          target="_blank"
          rel="noopener noreferrer"
          title={`Asks ${visibleName(new URL(target.href).host)} for it`}
          className={`shrink-0 ${LINK}`}
        >
          Open from {visibleName(new URL(target.href).host)}
        </a>
      )}
    </span>
  );
}
