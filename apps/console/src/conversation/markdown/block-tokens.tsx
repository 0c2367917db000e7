import type { MarkedToken, Token, Tokens } from "marked";
import type { ReactNode } from "react";
import { CodeBlock } from "../code-block.tsx";
import { Inlines } from "./inline-tokens.tsx";
import { decodeEntities } from "./links.ts";

/** Deeper than anybody writes; what lies below is shown as text. */
const DEEPEST = 20;

const HEADINGS = ["text-lg", "text-base", "text-sm", "text-sm", "text-sm", "text-sm"] as const;

export function Blocks({ tokens, depth }: { readonly tokens: readonly Token[]; readonly depth: number }): ReactNode {
  return tokens.map((token, index) => <Block key={index} token={token} depth={depth} />);
}

/** One block of markdown. */
export function Block({ token, depth = 0 }: { readonly token: Token; readonly depth?: number }): ReactNode {
  if (depth > DEEPEST) return <p className="whitespace-pre-wrap">{token.raw}</p>;
  // Without extensions the parser makes no tokens beside its own.
  const known = token as MarkedToken;
  switch (known.type) {
    case "space":
    case "def":
      return null;
    case "hr":
      return <hr />;
    case "heading":
      return <Heading token={known} />;
    case "paragraph":
      return (
        <p>
          <Inlines tokens={known.tokens} />
        </p>
      );
    case "text":
      return known.tokens === undefined ? decodeEntities(known.text) : <Inlines tokens={known.tokens} />;
    case "code":
      return <CodeBlock code={known.text} language={known.lang} />;
    case "blockquote":
      return (
        <blockquote className="flex flex-col gap-2 border-l-2 pl-3 text-muted">
          <Blocks tokens={known.tokens} depth={depth + 1} />
        </blockquote>
      );
    case "list":
      return <List token={known} depth={depth} />;
    case "table":
      return <Table token={known} />;
    case "html":
      return <span className="whitespace-pre-wrap text-muted">{known.raw.trimEnd()}</span>;
    default:
      return <Inlines tokens={[known]} />;
  }
}

function Heading({ token }: { readonly token: Tokens.Heading }) {
  const level = Math.min(Math.max(token.depth, 1), 6);
  // The page's own title is the first level.
  const Tag = `h${Math.min(level + 1, 6)}` as "h2";
  return (
    <Tag className={`mt-1 font-semibold ${HEADINGS[level - 1] ?? ""}`}>
      <Inlines tokens={token.tokens} />
    </Tag>
  );
}

function List({ token, depth }: { readonly token: Tokens.List; readonly depth: number }) {
  const items = token.items.map((item, index) => (
    <li key={index} className={item.task ? "list-none" : undefined}>
      <Item item={item} depth={depth} />
    </li>
  ));
  const look = "flex flex-col gap-1 pl-6";
  if (!token.ordered) return <ul className={`list-disc ${look}`}>{items}</ul>;
  return (
    <ol start={typeof token.start === "number" ? token.start : 1} className={`list-decimal ${look}`}>
      {items}
    </ol>
  );
}

function Item({ item, depth }: { readonly item: Tokens.ListItem; readonly depth: number }) {
  if (item.loose)
    return (
      <div className="flex flex-col gap-2">
        <Blocks tokens={item.tokens} depth={depth + 1} />
      </div>
    );
  return <Blocks tokens={item.tokens} depth={depth + 1} />;
}

function Table({ token }: { readonly token: Tokens.Table }) {
  const cell = ({ tokens, align }: Tokens.TableCell, Tag: "th" | "td", index: number): ReactNode => (
    <Tag
      key={index}
      className={`border px-2.5 py-1 align-top ${Tag === "th" ? "bg-raised font-semibold" : ""} ${alignment(align)}`}
    >
      <Inlines tokens={tokens} />
    </Tag>
  );
  return (
    <div role="region" aria-label="Table" tabIndex={0} className="overflow-x-auto">
      <table className="border-collapse">
        <thead>
          <tr>{token.header.map((one, index) => cell(one, "th", index))}</tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            <tr key={index}>{row.map((one, column) => cell(one, "td", column))}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function alignment(align: Tokens.TableCell["align"]): string {
  if (align === "center") return "text-center";
  return align === "right" ? "text-right" : "text-left";
}
