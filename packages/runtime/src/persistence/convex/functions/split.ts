/** Characters of one part: at three bytes each still less than the 1 MiB that a document may have. */
const PART = 250_000;

/** A text in parts, none of which ends within a character. */
export function splitText(text: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length || parts.length === 0;) {
    let end = Math.min(text.length, at + PART);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last < 0xdc00) end -= 1;
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}
