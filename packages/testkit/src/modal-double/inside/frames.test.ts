import { expect, test } from "vitest";
import { FRAME, type Frame, encodeFrame, frameReader } from "./frames.ts";

test.each([1, 2, 7, 100, 1000])("frames come whole out of pieces of %i bytes", (size) => {
  const payloads = ["", "a", "b".repeat(300), "", "ä"];
  const bytes = Buffer.concat(payloads.map((payload, at) => encodeFrame(FRAME.stdout, at, payload)));
  const frames: Frame[] = [];
  const read = frameReader((frame) => frames.push(frame));
  for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size));
  expect(frames.map(({ kind, stream, payload }) => [kind, stream, payload.toString()])).toEqual(
    payloads.map((payload, at) => [FRAME.stdout, at, payload]),
  );
});

test("a frame that is too long to be true is refused before it is waited for", () => {
  const header = encodeFrame(FRAME.stdout, 1).subarray(0, 9);
  header.writeUInt32BE(2 ** 31, 0);
  expect(() => frameReader(() => undefined)(header)).toThrow(/2147483648 bytes/u);
});
