import { describe, expect, it } from "vitest";
import { createLineSplitter, encodeLine } from "./ndjson.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("lines of a byte stream", () => {
  it("gives the same lines however the bytes are cut", () => {
    const values = ["plain", "grün", "👩‍👩‍👧 family", "\u0000 and \n and \u2028", "\ud800 alone", ""];
    const stream = bytes(values.map(encodeLine).join(""));
    for (let size = 1; size <= stream.length; size++) {
      const splitter = createLineSplitter();
      const lines: string[] = [];
      for (let at = 0; at < stream.length; at += size) lines.push(...splitter.push(stream.subarray(at, at + size)));
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(values);
      expect(splitter.pending).toBe(0);
    }
  });

  it("keeps its own copy of what is incomplete", () => {
    const splitter = createLineSplitter();
    const buffer = Buffer.from("first");
    expect(splitter.push(buffer)).toEqual([]);
    buffer.fill(0x78);
    expect(splitter.push(bytes(" line\nnext"))).toEqual(["first line"]);
    expect(splitter.pending).toBe(4);
  });

  it("leaves empty lines out", () => {
    expect(createLineSplitter().push(bytes("\n\na\n\n"))).toEqual(["a"]);
  });

  it("takes a line of exactly the limit and refuses a longer one, complete or not", () => {
    expect(createLineSplitter({ maxBytes: 4 }).push(bytes("1234\n"))).toEqual(["1234"]);
    expect(() => createLineSplitter({ maxBytes: 4 }).push(bytes("12345\n"))).toThrow(/longer than 4 bytes/);
    expect(() => createLineSplitter({ maxBytes: 4 }).push(bytes("12345"))).toThrow(/longer than 4 bytes/);
    const splitter = createLineSplitter({ maxBytes: 4 });
    splitter.push(bytes("123"));
    expect(() => splitter.push(bytes("45\n"))).toThrow(/longer than 4 bytes/);
  });

  it("refuses what is no UTF-8 with a code", () => {
    expect(() => createLineSplitter().push(new Uint8Array([0xff, 0x0a]))).toThrow(
      expect.objectContaining({ code: "protocol_error" }) as Error,
    );
  });
});
