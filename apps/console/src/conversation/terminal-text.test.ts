import { expect, test } from "vitest";
import { terminalText } from "./terminal-text.ts";

test("what only tells terminals something is left out", () => {
  expect(terminalText("\u001b[1;31mred\u001b[0m \u001b[38;5;1mx\u001b[m")).toBe("red x");
  expect(terminalText("\u001b]0;title\u0007a\u001b]8;;https://example.com\u001b\\link\u001b]8;;\u001b\\")).toBe(
    "alink",
  );
  expect(terminalText("a\u0000b\u0008c\u009b31md\te")).toBe("abcd\te");
});

test("of a line that was written again its last words stay", () => {
  expect(terminalText("10 %\r50 %\r100 %\ndone\r\nend\r")).toBe("100 %\ndone\nend");
});

test("texts that are made to be slow to read are not", () => {
  const hostile = ["\u001b[", "\r", "\u001b]", "\u009b", "\u001b "].map((piece) => piece.repeat(200_000)).join("");
  expect(terminalText(`a\rb\n${"x".repeat(1_000_000)}\n${hostile}`)).toHaveLength(1_200_003);
});
