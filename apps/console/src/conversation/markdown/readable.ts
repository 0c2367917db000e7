/** Characters of emphasis in a paragraph: what it takes to read them grows by the square of their number. */
const MOST_MARKS = 1000;
/** Quotes and lists that begin in one line, each in the one before. */
const TOO_DEEP = /^[ \t]*(?:(?:>|[-+*]|\d{1,9}[.)])[ \t]*){30}/m;

/** Whether a text is one that somebody may have written to be read, and not to keep its reader's machine busy. */
export function isReadable(text: string): boolean {
  let marks = 0;
  let isBlank = true;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === NEWLINE) {
      if (isBlank) marks = 0;
      isBlank = true;
    } else if (code !== SPACE && code !== RETURN) {
      isBlank = false;
      if ((code === STAR || code === UNDERSCORE || code === TILDE) && (marks += 1) > MOST_MARKS) return false;
    }
  }
  return !TOO_DEEP.test(text);
}

const [NEWLINE, RETURN, SPACE, STAR, UNDERSCORE, TILDE] = [0x0a, 0x0d, 0x20, 0x2a, 0x5f, 0x7e];
