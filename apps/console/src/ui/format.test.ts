import { expect, test } from "vitest";
import { agoText, costText, countText, durationText, sizeText, timeText } from "./format.ts";

const AT = "2026-03-01T12:00:00.000Z";
const later = (ms: number): string => agoText(AT, Date.parse(AT) + ms);

test("times that have passed, also by a clock that is behind the server's", () => {
  expect([-5000, 0, 59_999, 60_000, 3_599_999, 3_600_000, 86_400_000, 6.9 * 86_400_000].map(later)).toEqual([
    "now",
    "now",
    "now",
    "1 min",
    "59 min",
    "1 h",
    "1 d",
    "6 d",
  ]);
  expect(later(8 * 86_400_000)).toContain("2026");
  expect([agoText("nonsense", 0), timeText("nonsense")]).toEqual(["now", "nonsense"]);
  expect(timeText(AT)).toContain("2026");
});

test.for([
  [costText, [0, 0.0004, 0.0123, 0.5, 12.345], ["$0", "<$0.001", "$0.012", "$0.50", "$12.35"]],
  [countText, [0, 999, 1000, 12_345, 999_499, 999_500, 2e6], ["0", "999", "1k", "12.3k", "999k", "1M", "2M"]],
  [
    durationText,
    [-1, 400, 12_000, 59_999, 200_000, 7_500_000],
    ["0.0 s", "0.4 s", "12 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"],
  ],
  [sizeText, [12, 3400, 20e6, 999_600, 3e9], ["12 B", "3.4 kB", "20 MB", "1 MB", "3 GB"]],
] as const)("%o", ([text, values, texts]) => {
  expect(values.map((value) => text(value))).toEqual(texts);
});
