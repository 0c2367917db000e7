import { expect, test } from "vitest";
import { paths, readPart, sessionOf } from "./routes.ts";

test.for(["a b", "100%", "%41", "a/b?c#d", "ü\n\u202e", "..", "%"])("%j is what it was behind an address", (name) => {
  const [, , id, panel, item] = paths.panel(name, "files", name).split("/");
  expect([id, item].map((part) => readPart(part!))).toEqual([name, name]);
  expect(panel).toBe("files");
  expect(sessionOf(paths.panel(name, "events"))).toBe(name);
});

test("what nobody encoded is taken as it is", () => {
  expect(readPart("100%")).toBe("100%");
  expect(sessionOf("/profiles/x")).toBeUndefined();
});
