import type { SessionKey, StoredSandbox } from "../persistence/session-store.ts";
import type { Sandbox, SandboxRef } from "../sandbox/port.ts";
import type { SessionParts } from "./session-parts.ts";

/** A session's sandbox by what is stored of it; null: it is gone, or another provider's. */
export async function findSandbox(
  parts: SessionParts,
  key: SessionKey,
  stored: StoredSandbox,
): Promise<Sandbox | null> {
  const { provider, deployment } = parts;
  if (stored.provider !== provider.name) return null;
  if (stored.ref !== null) return provider.attach(stored.ref as SandboxRef);
  // The server ended between the creation and the write of its reference.
  const found = await provider.list({ deployment });
  const match = found.find(
    ({ tags }) => tags.session === key.sessionId && tags.generation === String(stored.generation),
  );
  return match === undefined ? null : provider.attach(match.ref);
}
