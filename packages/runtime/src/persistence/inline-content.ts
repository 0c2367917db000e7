import { INLINE_FILE_BYTES, type FileEntry } from "@hhopkins/agent-runtime-protocol";
import { isUtf8 } from "node:buffer";
import { collectBytes } from "./blob-bytes.ts";
import type { SessionKey, SessionStore } from "./session-store.ts";

/** What of a file stands in its event: all of it, where it is a short text. */
export async function inlineContent(
  store: Pick<SessionStore, "blob">,
  key: SessionKey,
  { type = "file", sha256, size = Infinity }: FileEntry,
): Promise<string | undefined> {
  if (type !== "file" || sha256 === undefined || size > INLINE_FILE_BYTES) return undefined;
  const bytes = await collectBytes(store.blob(key, sha256));
  return isUtf8(bytes) && bytes.byteLength === size ? Buffer.from(bytes).toString("utf8") : undefined;
}
