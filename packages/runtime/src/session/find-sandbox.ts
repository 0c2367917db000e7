import { toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { reaches } from "../cluster/placement.ts";
import type { SessionKey, StoredSandbox } from "../persistence/session-store.ts";
import type { Sandbox, SandboxRef } from "../sandbox/port.ts";
import { hostPlace } from "../sandbox/host-place.ts";
import type { SessionParts } from "./session-parts.ts";

const UNREACHABLE =
  "The sandbox cannot be found at the moment, because its provider does not answer. It is tried again.";

/**
 * A session's sandbox by what is stored of it; null: it is gone, or another provider's. Rejects while the provider
 * cannot say: then it is not gone, and `onUnreachable` has told so.
 */
export async function findSandbox(
  parts: SessionParts,
  key: SessionKey,
  about: { stored: StoredSandbox; onUnreachable: (message: string) => Promise<void> },
): Promise<Sandbox | null> {
  if (about.stored.provider !== parts.provider.name || isElsewhere(parts, about.stored)) return null;
  try {
    return await attached(parts, key, about.stored);
  } catch (error) {
    await about.onUnreachable(UNREACHABLE);
    throw toRuntimeError(error, "sandbox_unavailable");
  }
}

/** On a host whose servers are all gone: a session that was taken over from there has lost it. */
function isElsewhere({ node, provider }: SessionParts, stored: StoredSandbox): boolean {
  return node !== undefined && !reaches(provider.place ?? hostPlace({ processes: true }), stored);
}

async function attached(
  { provider, deployment }: SessionParts,
  key: SessionKey,
  stored: StoredSandbox,
): Promise<Sandbox | null> {
  if (stored.ref !== null) return provider.attach(stored.ref as SandboxRef);
  // The server ended between the creation and the write of its reference.
  const found = await provider.list({ deployment });
  const match = found.find(
    ({ tags }) => tags.session === key.sessionId && tags.generation === String(stored.generation),
  );
  return match === undefined ? null : provider.attach(match.ref);
}
