import { commandCall, RuntimeError, type SessionState } from "@hhopkins/agent-runtime-protocol";
import type { SessionKey } from "../persistence/session-store.ts";
import { profileOf } from "./pinned-profile.ts";
import type { SessionParts } from "./session-parts.ts";

/**
 * Refuses a message that calls a command which the session's profile does not have, with `unknown_command` and those that
 * it has. Where the profile cannot be had, the message is taken: its turn says why.
 */
export async function refuseUnknownCommand(
  parts: Pick<SessionParts, "profiles" | "store" | "log">,
  { key, state }: { readonly key: SessionKey; readonly state: SessionState },
  content: string,
): Promise<void> {
  if (!content.startsWith("/")) return;
  try {
    commandCall(await profileOf(parts, { key, state: () => state }), content);
  } catch (error) {
    if (error instanceof RuntimeError && error.code === "unknown_command") throw error;
  }
}
