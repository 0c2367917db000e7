import type { ListSessionsOptions } from "@hhopkins/agent-runtime-client";
import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { statusOf } from "./session-status.ts";

/** What a list can be narrowed to by what sessions are doing. */
export const DOING = [
  { value: "", label: "Whatever they do" },
  { value: "waiting", label: "Needs an answer" },
  { value: "running", label: "Running or queued" },
  { value: "ready", label: "Ready for a message" },
  { value: "asleep", label: "Asleep" },
  { value: "failed", label: "Sandbox failed" },
] as const;
export type Doing = (typeof DOING)[number]["value"];

export interface SessionFilter {
  /** Words, all of which are in its name, id or profile. */
  readonly text: string;
  /** A profile's id, or empty. */
  readonly profile: string;
  readonly doing: Doing;
  /** Days of the last activity, as a date field has them (`2026-03-01`), or empty; both are meant with. */
  readonly from: string;
  readonly to: string;
}

export const NO_FILTER: SessionFilter = { text: "", profile: "", doing: "", from: "", to: "" };

/** How many of the fields beside the text narrow. */
export function narrowing({ profile, doing, from, to }: SessionFilter): number {
  return [profile, doing, from, to].filter((value) => value !== "").length;
}

/** What the server can narrow by itself. Days are those of who looks. */
export function pageOf({ profile, from, to }: SessionFilter): ListSessionsOptions {
  const activeFrom = startOfDay(from, 0);
  const activeBefore = startOfDay(to, 1);
  return {
    limit: 100,
    ...(profile === "" ? {} : { agentProfileReference: profile }),
    ...(activeFrom === undefined ? {} : { activeFrom }),
    ...(activeBefore === undefined ? {} : { activeBefore }),
  };
}

function startOfDay(day: string, plus: number): string | undefined {
  const [year = Number.NaN, month = Number.NaN, date = Number.NaN] = day.split("-").map(Number);
  const time = new Date(year, month - 1, date + plus);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** The rest, which is looked for in the pages that are here. */
export function matching(sessions: readonly SessionListItem[], filter: SessionFilter): readonly SessionListItem[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && filter.doing === "") return sessions;
  return sessions.filter((session) => {
    const { name = "", sessionId, agentProfileReference } = session;
    const text = `${name} ${sessionId} ${agentProfileReference}`.toLowerCase();
    return words.every((word) => text.includes(word)) && isDoing(session, filter.doing);
  });
}

function isDoing(session: SessionListItem, doing: Doing): boolean {
  const { kind } = statusOf(session);
  switch (doing) {
    case "":
      return true;
    case "running":
      return kind === "running" || kind === "queued" || kind === "starting";
    case "failed":
      return kind === "failed" || kind === "unreachable";
    case "waiting":
    case "ready":
    case "asleep":
      return kind === doing;
  }
}
