import type { EventDraft, SessionOptions, SessionState, UpdateOptionsBody } from "@hhopkins/agent-runtime-protocol";
import type { LogWrite } from "../log/session-log.ts";
import { latestProfile, pinOf } from "./pinned-profile.ts";
import type { SessionParts } from "./session-parts.ts";

export interface OptionsChange {
  readonly write: LogWrite;
  /** All of them, after the change; absent: none has changed. */
  readonly options?: SessionOptions;
}

/** What a change of a session's options writes. Throws `unknown_profile`, `invalid_profile` where it is to be moved. */
export async function optionsChange(
  parts: Pick<SessionParts, "profiles">,
  state: SessionState,
  { profileVersion, ...changed }: UpdateOptionsBody,
): Promise<OptionsChange> {
  const { sessionId } = state;
  const isMoved = profileVersion !== undefined;
  const options = { ...state.sessionOptions, ...changed };
  const events: EventDraft[] = [];
  // A request that asks for nothing is told as before.
  const isChanged = !isMoved || Object.keys(changed).length > 0;
  if (isChanged) events.push({ type: "session:options:update", data: { sessionId, sessionOptions: options } });
  const pin = isMoved ? pinOf(await latestProfile(parts, state.agentProfileReference)) : undefined;
  const isNew = pin !== undefined && pin.profileVersion !== state.profileVersion;
  if (isNew) {
    events.push({ type: "session:profile:update", data: { sessionId, profileVersion: pin.profileVersion } });
  }
  return {
    write: { events, ...(isNew ? { blobs: [pin.blob] } : {}) },
    ...(isChanged ? { options } : {}),
  };
}
