const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  copy: "©",
  reg: "®",
  trade: "™",
  hellip: "…",
  mdash: "—",
  ndash: "–",
  lsquo: "‘",
  rsquo: "’",
  ldquo: "“",
  rdquo: "”",
  laquo: "«",
  raquo: "»",
  bull: "•",
  middot: "·",
  times: "×",
  rarr: "→",
  larr: "←",
  deg: "°",
  para: "¶",
  sect: "§",
  euro: "€",
  check: "✓",
};

/** A text's `&amp;`, `&#38;` and `&#x26;` as characters. Names that are not known stay as they are. */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z]{2,8});/g, (whole, entity: string) => {
    if (!entity.startsWith("#")) return Object.hasOwn(NAMED, entity) ? (NAMED[entity] ?? whole) : whole;
    const code = /^#x/i.test(entity) ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
    const isNone = code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff);
    return isNone ? "\ufffd" : String.fromCodePoint(code);
  });
}

/** Where a link of an agent may lead: elsewhere, into the workspace, or nowhere. */
export type LinkTarget =
  | { readonly kind: "web"; readonly href: string }
  | { readonly kind: "file"; readonly path: string }
  | undefined;

const SAFE = new Set(["http:", "https:", "mailto:"]);

/** Decides by what the browser itself would make of the address. */
export function linkTarget(address: string): LinkTarget {
  const href = decodeEntities(address).trim();
  if (URL.canParse(href)) {
    const url = new URL(href);
    return SAFE.has(url.protocol) ? { kind: "web", href: url.href } : undefined;
  }
  // Such as `src/main.ts`, `./src/main.ts#L10` and `/workspace/src/main.ts`; never `//host`, which a browser completes.
  const path = href.replace(/[?#].*$/s, "").replace(/^(?:\/workspace\/|\.\/)/, "");
  const isPath = /^[^\\/:]/.test(path) && !/[\\\p{Cc}]/u.test(path) && !path.split("/").includes("..");
  return isPath ? { kind: "file", path: decoded(path) } : undefined;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Pictures that stand in the text itself, of kinds that hold no programs: showing one asks nobody for anything. */
export function inlinePicture(address: string): string | undefined {
  return /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/.test(address) ? address : undefined;
}
