import { Lexer, type Links, type Token } from "marked";

/** Text that is markdown, as a tree. */
export interface Markdown {
  readonly text: string;
  readonly tokens: readonly Token[];
}

/** How many of the last tokens what follows may still change: a heading's `#` without its space is a word of the paragraph before. */
const OPEN_TOKENS = 2;

/** Reads a text from its beginning. */
export function readMarkdown(text: string): Markdown {
  const tokens = lexed(text, {});
  return { text, tokens };
}

/**
 * Reads a text that grows: what is complete stays the same objects, and only the end is read again. Where a link's
 * address comes further down than the link, it is only found when the whole is read.
 */
export function continueMarkdown(before: Markdown, text: string): Markdown {
  if (text === before.text) return before;
  if (!text.startsWith(before.text)) return readMarkdown(text);
  const kept = before.tokens.slice(0, completeCount(before.tokens));
  const length = kept.reduce((sum, { raw }) => sum + raw.length, 0);
  // The parser may have changed the text: line ends, characters that it does not allow.
  if (!text.startsWith(kept.map(({ raw }) => raw).join(""))) return readMarkdown(text);
  return { text, tokens: [...kept, ...lexed(text.slice(length), linksOf(kept))] };
}

function lexed(text: string, links: Links): Token[] {
  const lexer = new Lexer();
  Object.assign(lexer.tokens.links, links);
  return [...lexer.lex(text)];
}

function completeCount(tokens: readonly Token[]): number {
  let count = tokens.length;
  for (let open = 0; count > 0 && open < OPEN_TOKENS; count -= 1) if (tokens[count - 1]?.type !== "space") open += 1;
  return count;
}

function linksOf(tokens: readonly Token[]): Links {
  const links: Links = Object.create(null) as Links;
  for (const token of tokens)
    if (token.type === "def" && "tag" in token && typeof token.tag === "string")
      links[token.tag] ??= { href: String(token.href), title: String(token.title ?? "") };
  return links;
}
