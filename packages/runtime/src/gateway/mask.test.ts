import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { maskOf } from "./mask.ts";

const VALUE = 'p@ss/word+"7f3a"';
const mask = maskOf([VALUE], ["dXNlcjpw"]);

/** What comes out when the bytes go in in pieces of this size. */
async function passed(text: string, size: number): Promise<string> {
  const bytes = Buffer.from(text);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );
  const out: Buffer[] = [];
  for await (const piece of Readable.from(pieces).pipe(mask.stream())) out.push(piece as Buffer);
  return Buffer.concat(out).toString();
}

const WRITTEN = {
  plain: VALUE,
  address: encodeURIComponent(VALUE),
  json: JSON.stringify(VALUE).slice(1, -1),
  "json in json": JSON.stringify(JSON.stringify(VALUE)).slice(3, -3),
  base64: Buffer.from(VALUE).toString("base64").replace(/=+$/, ""),
  base64url: Buffer.from(VALUE).toString("base64url"),
  "a login as it was sent": "dXNlcjpw",
};

test.for(Object.entries(WRITTEN))(
  "%s is hidden, in whichever pieces it comes, and no byte is lost",
  async ([, form]) => {
    const text = `before p@ss ${form} between ${form}${form} after p@`;
    const hidden = text.replaceAll(form, "*".repeat(Buffer.byteLength(form)));
    for (const size of [1, 2, 7, 1000]) expect(await passed(text, size)).toBe(hidden);
    expect(mask.text(text)).toBe(hidden);
  },
);

test("an event goes on at once, without its value's beginning having to come", async () => {
  const stream = mask.stream();
  stream.write("data: p@ss\n\n");
  expect(String(stream.read())).toBe("data: p@ss\n\n");
  stream.end();
});

test("of a whole header, what stands behind its first word is hidden too", () => {
  expect(maskOf(["Bearer word-of-it"]).text("a word-of-it b Bearer word-of-it")).toBe(
    "a ********** b *****************",
  );
});

test("what is too short to be told from chance stays", () => {
  expect(maskOf(["short"]).text("a short text")).toBe("a short text");
});
