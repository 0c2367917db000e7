import { expect, test } from "vitest";
import { firstLines } from "./first-lines.ts";

const bounds = { lines: 2, characters: 10 };

test("a text within its bounds is whole", () => {
  for (const text of ["", "a", "a\nb", "a\nb\n", "1234567890"])
    expect(firstLines(text, bounds)).toEqual({ text, isCut: false });
});

test("a longer one is cut after its lines, or its characters, and never within one", () => {
  expect(firstLines("a\nb\nc", bounds)).toEqual({ text: "a\nb", isCut: true });
  expect(firstLines("12345678901", bounds)).toEqual({ text: "1234567890", isCut: true });
  expect(firstLines("123456789😀", bounds)).toEqual({ text: "123456789", isCut: true });
  expect(firstLines("12345678\n1234", bounds)).toEqual({ text: "12345678\n1", isCut: true });
  expect(firstLines("x\n".repeat(5), { lines: Number.POSITIVE_INFINITY, characters: 4 })).toEqual({
    text: "x\nx",
    isCut: true,
  });
});
