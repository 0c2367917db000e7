/** What is shown of a text that is too long to be shown, and how much of it that is. */
export interface FirstLines {
  readonly text: string;
  readonly isCut: boolean;
}

/** The first lines of a text, and no more than so many characters of them. Takes as long as what it answers. */
export function firstLines(text: string, { lines, characters }: { lines: number; characters: number }): FirstLines {
  let end = 0;
  for (let count = 0; count < lines; count += 1) {
    const next = text.indexOf("\n", end);
    if (next < 0 || next > characters) {
      end = next < 0 ? text.length : characters;
      break;
    }
    end = next + 1;
  }
  // A half of a character is none.
  if (end > characters) end = characters;
  const last = text.charCodeAt(end - 1);
  if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
  return end >= text.length ? { text, isCut: false } : { text: text.slice(0, end).replace(/\n$/, ""), isCut: true };
}
