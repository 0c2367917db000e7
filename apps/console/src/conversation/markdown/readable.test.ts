import { expect, test } from "vitest";
import { isReadable } from "./readable.ts";

test("what people write can be read, however long", () => {
  expect(isReadable("")).toBe(true);
  expect(isReadable("Some *words* with_an_underscore and ~~more~~.\n\n".repeat(2000))).toBe(true);
  expect(isReadable(`- one\n  - two\n    - three\n> > quoted\n${"=-".repeat(500)}\n${"- ".repeat(3)}`)).toBe(true);
});

test("what only keeps a machine busy cannot", () => {
  for (const text of [
    "*a_".repeat(4000),
    "*a_\n".repeat(4000),
    "> ".repeat(3000),
    "- ".repeat(1500),
    "1. ".repeat(500),
  ])
    expect(isReadable(`Words.\n\n${text}`)).toBe(false);
});
