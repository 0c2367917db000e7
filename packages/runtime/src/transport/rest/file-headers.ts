const TEXT =
  /\.(?:c|cc|cpp|css|csv|go|h|html?|java|jsx?|json|log|md|mjs|php|py|rb|rs|sh|sql|svg|toml|tsx?|txt|xml|ya?ml)$/i;
/** Pictures that a page may show. An SVG can hold a script. */
const IMAGE = /^image\/(?:png|jpeg|gif|webp)$/;

interface NamedBytes {
  readonly name: string;
  /** As whoever sent it says. */
  readonly mediaType?: string;
  readonly size?: number | undefined;
  readonly sha256?: string | undefined;
}

/** What an agent or a user wrote is never run by a browser: it is text, a picture or bytes, and it is saved. */
export function bytesHeaders({ name, mediaType = "", size, sha256 }: NamedBytes): Record<string, string> {
  const plain = TEXT.test(name) ? "text/plain; charset=utf-8" : "application/octet-stream";
  return {
    "content-type": IMAGE.test(mediaType) ? mediaType : plain,
    "content-disposition": `attachment; filename*=UTF-8''${encodeName(name)}`,
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    ...(size === undefined ? {} : { "content-length": String(size) }),
    ...(sha256 === undefined ? {} : { etag: `"${sha256}"` }),
  };
}

/** A file name as RFC 5987 wants it. */
export function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
