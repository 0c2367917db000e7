import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** Throws `payload_too_large` for a message, or an answer, with more bytes of UTF-8 than `limit`. */
export function assertMessageSize(content: string, limit: number, field = "content"): void {
  if (Buffer.byteLength(content) <= limit) return;
  throw new RuntimeError("payload_too_large", `A message or answer may have at most ${limit} bytes.`, { field });
}
