import { expect, test } from "vitest";
import { lineOf, placeOf } from "./json-place.ts";

const TEXT = `{
  "name": "a \\"quoted\\" {name}",
  "skills": [
    { "name": "x" },
    { "name": "y", "description": "", "n": -1.5e3 }
  ],
  "empty": [], "none": {}, "name2": null
}`;
const at = (path: string): string => {
  const { start, end } = placeOf(TEXT, path);
  return TEXT.slice(start, end);
};

test.for([
  ["name", '"a \\"quoted\\" {name}"'],
  ["skills.1.description", '""'],
  ["skills.1.n", "-1.5e3"],
  ["skills.0", '{ "name": "x" }'],
  ["skills.0.description", '{ "name": "x" }'],
  ["skills.7.description.x", TEXT.slice(TEXT.indexOf("[\n"), TEXT.indexOf("],\n") + 1)],
  ["empty.0", "[]"],
  ["none", "{}"],
  ["name2", "null"],
  ["nowhere", TEXT],
  ["", TEXT],
] as const)("%s stands where it, or what it would be in, stands", ([path, text]) => {
  expect(at(path)).toBe(text);
});

test("a place has a line", () => {
  expect(["name", "skills.1.description", "name2"].map((path) => lineOf(TEXT, placeOf(TEXT, path)))).toEqual([2, 5, 7]);
});

test.for(["1", '"x"', "[]", " [ 1 , [ 2 ] ] "])("%j is walked to its end", (text) => {
  expect(text.slice(placeOf(text, "").start, placeOf(text, "").end)).toBe(text.trim());
});
