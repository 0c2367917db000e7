import { createHash } from "node:crypto";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";

/** Whether what the store gives back for this name has this hash. Reads it in pieces; a store that fails rejects. */
export async function isIntact(store: Pick<SessionStore, "blob">, key: SessionKey, sha256: string): Promise<boolean> {
  const hash = createHash("sha256");
  for await (const bytes of store.blob(key, sha256)) hash.update(bytes);
  return hash.digest("hex") === sha256;
}
