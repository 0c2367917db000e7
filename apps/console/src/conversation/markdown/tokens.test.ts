import { expect, test } from "vitest";
import { continueMarkdown, readMarkdown, type Markdown } from "./tokens.ts";

const TEXT = `# Title\r
Words of *it*, and \`code\`
#not a heading

Setext
======

- one
  - deep

  still one
- two

1. first
2) other

| a | b |
|---|---|
| 1 | 2 |
after the table

\`\`\`ts
const fence = "\`\`";

# no heading
\`\`\`

    indented

    more of it
> quoted
lazy

<div>
html
</div>

[known]: https://example.com "title"
See [known] and [later].

---
***bold** and*
&amp; <b>tag</b> https://example.com/x
[later]: https://example.org
`;

test("a text that grows by any piece is read as the same tree as the whole", () => {
  for (const step of [1, 2, 3, 7, 50]) {
    let read: Markdown = readMarkdown("");
    for (let end = 0; end <= TEXT.length; end += step) {
      const text = TEXT.slice(0, end);
      read = continueMarkdown(read, text);
      expect(JSON.stringify(read.tokens), `step ${step}, ${end} characters`).toBe(
        JSON.stringify(readMarkdown(text).tokens),
      );
    }
  }
});

test("what is complete stays the same objects", () => {
  const before = readMarkdown("# One\n\ntwo\n\nthree\n\nfour");
  const after = continueMarkdown(before, "# One\n\ntwo\n\nthree\n\nfour and more");
  expect(after.tokens[0]).toBe(before.tokens[0]);
  expect(after.tokens[2]).toBe(before.tokens[2]);
  expect(after.tokens.at(-1)).not.toBe(before.tokens.at(-1));
  expect(continueMarkdown(after, after.text)).toBe(after);
});

test("another text is read from its beginning", () => {
  const before = readMarkdown("one");
  expect(continueMarkdown(before, "# two").tokens).toEqual(readMarkdown("# two").tokens);
});
