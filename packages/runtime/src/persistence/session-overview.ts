import { activityOf, NO_USAGE, type SessionEvent, type SessionState } from "@hhopkins/agent-runtime-protocol";
import type { SessionOverview } from "./session-store.ts";

export const NEVER_RUN: SessionState["runtime"] = { isLoaded: false, sandbox: null };
/** Of a session that was only created: as stores keep it. */
export const NEVER_RUN_JSON = overviewJson({
  runtime: NEVER_RUN,
  activity: "idle",
  sessionMetadata: { usage: NO_USAGE, costUSD: 0 },
});

/** What lists show of a session with this state, beside its record. */
export function overviewOf(state: SessionState): Required<SessionOverview> {
  const { runtime, sessionMetadata } = state;
  return { runtime, activity: activityOf(state), sessionMetadata };
}

/** What these events say of it. */
export function toldOverview(events: readonly SessionEvent[]): SessionOverview {
  let told: SessionOverview = { runtime: NEVER_RUN };
  for (const event of events) {
    if (event.type === "session:status") told = { ...told, runtime: event.data.runtime };
    if (event.type === "session:metadata:update") told = { ...told, sessionMetadata: event.data.metadata };
  }
  return told;
}

/**
 * As stores keep it, in one text: the fields of `runtime`, and the others beside them. So it was when `runtime` was all
 * that was kept, and so neither tables nor older servers need to change.
 */
export function overviewJson({ runtime, activity, sessionMetadata }: SessionOverview): string {
  return JSON.stringify({ ...runtime, activity, sessionMetadata });
}

/** What `overviewJson` made, or an older version. */
export function parsedOverview(value: SessionOverview["runtime"] & Omit<SessionOverview, "runtime">): SessionOverview {
  const { isLoaded, sandbox, activity, sessionMetadata } = value;
  return {
    runtime: { isLoaded, sandbox },
    ...(activity === undefined ? {} : { activity }),
    ...(sessionMetadata === undefined ? {} : { sessionMetadata }),
  };
}

/** Of a list's text, parsed and not looked at. */
export type OverviewJson = Parameters<typeof parsedOverview>[0];
