import { expect, test } from "vitest";
import { attach, ATTACHMENT_LIMITS, isPicture } from "./attachments.ts";

const file = (name: string, size = 1) => ({ name, size });

test("what no server would take is left out, by name and with the reason; the rest comes along", () => {
  const { files, refused } = attach(
    [file("a")],
    [
      file("b"),
      file("../c"),
      file("big", ATTACHMENT_LIMITS.bytes),
      file("ä".repeat(101)),
      file("line\nbreak"),
      file("d"),
    ],
  );
  expect(files.map(({ name }) => name)).toEqual(["a", "b", "d"]);
  expect(refused).toEqual([
    expect.stringMatching(/^\.\.\/c has a name/),
    expect.stringMatching(/^big is too large: .* 10 MB/),
    expect.stringMatching(/^ä{57}… has too long a name: 200 bytes/),
    expect.stringMatching(/has a name/),
  ]);
});

test("twenty files go with a message", () => {
  const many = Array.from({ length: 21 }, (_, n) => file(String(n)));
  const { files, refused } = attach([], many);
  expect([files.length, refused]).toEqual([20, ["20 is one too many: a message takes 20 files."]]);
});

test("pictures that run nothing are shown", () => {
  expect([isPicture({ type: "image/png" }), isPicture({ type: "image/svg+xml" }), isPicture({ type: "" })]).toEqual([
    true,
    false,
    false,
  ]);
});
