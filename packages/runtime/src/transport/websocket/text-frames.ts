import { sharedBytes } from "../shared-bytes.ts";

/** RFC 6455, 5.2: the last fragment of a message, which is a text. */
const FINAL_TEXT = 0x81;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/**
 * Log frames as WebSocket text frames, one each. A server's frames carry no mask and, without compression, nothing of
 * their connection, so every client gets the same bytes.
 */
export const textFrames = sharedBytes((frames) =>
  Buffer.concat(frames.flatMap(({ webSocket }) => textFrame(webSocket))),
);

function textFrame(text: string): [header: Buffer, payload: Buffer] {
  const payload = Buffer.from(text, "utf8");
  const { length } = payload;
  if (length < LENGTH_16) return [Buffer.from([FINAL_TEXT, length]), payload];
  const isShort = length < 0x10000;
  const header = Buffer.alloc(isShort ? 4 : 10);
  header.writeUInt8(FINAL_TEXT, 0);
  header.writeUInt8(isShort ? LENGTH_16 : LENGTH_64, 1);
  if (isShort) header.writeUInt16BE(length, 2);
  else header.writeBigUInt64BE(BigInt(length), 2);
  return [header, payload];
}
