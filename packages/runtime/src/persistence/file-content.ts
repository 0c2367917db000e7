import { isUtf8 } from "node:buffer";
import type { WorkspaceFile } from "@hhopkins/agent-runtime-protocol";

/** A file's bytes as its `content`: UTF-8 where they are, else base64. */
export function contentOf(bytes: Uint8Array): { content: string; encoding: "utf8" | "base64" } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer)
    ? { content: buffer.toString("utf8"), encoding: "utf8" }
    : { content: buffer.toString("base64"), encoding: "base64" };
}

export function decodeContent(content: string, encoding: WorkspaceFile["encoding"]): Uint8Array {
  return Buffer.from(content, encoding ?? "utf8");
}
