import {
  PermissionMode,
  type Ask,
  type AskAnswer,
  type EventDraft,
  type SessionOptions,
  type SessionState,
  type UpdateOptionsBody,
} from "@hhopkins/agent-runtime-protocol";
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

/**
 * Once a plan is approved, the mode is the one that the ask says, in every sandbox to come: the harness knows only for
 * its own lifetime that it has left `plan`. null: nothing changes.
 */
export function optionsAfterPlan(state: SessionState, ask: Ask, answer: AskAnswer): SessionOptions | null {
  if (ask.kind !== "plan" || answer.decision !== "allow") return null;
  const { data: permissionMode } = PermissionMode.safeParse(ask.details?.["permissionMode"]);
  if (permissionMode === undefined || permissionMode === state.sessionOptions?.permissionMode) return null;
  return { ...state.sessionOptions, permissionMode };
}
