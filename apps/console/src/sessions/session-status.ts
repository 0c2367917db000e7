import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";

export type StatusKind = "waiting" | "running" | "queued" | "starting" | "failed" | "unreachable" | "ready" | "asleep";

export interface ListedStatus {
  readonly kind: StatusKind;
  readonly label: string;
  readonly tone: "plain" | "accent" | "good" | "warn" | "bad";
}

const STATUSES: Readonly<Record<StatusKind, Omit<ListedStatus, "kind">>> = {
  waiting: { label: "Needs an answer", tone: "warn" },
  running: { label: "Running", tone: "accent" },
  queued: { label: "Queued", tone: "accent" },
  starting: { label: "Starting", tone: "accent" },
  failed: { label: "Sandbox failed", tone: "bad" },
  unreachable: { label: "Sandbox unreachable", tone: "bad" },
  ready: { label: "Ready", tone: "good" },
  asleep: { label: "Asleep", tone: "plain" },
};

type Listed = Pick<SessionListItem, "activity" | "runtime">;

/** What a session of the list is doing, in words; what its log says goes before what its sandbox does. */
export function statusOf(session: Listed): ListedStatus {
  const kind = kindOf(session);
  return { kind, ...STATUSES[kind] };
}

function kindOf({ activity = "idle", runtime }: Listed): StatusKind {
  const sandbox = runtime.sandbox?.status;
  if (activity === "waiting") return "waiting";
  if (sandbox === "error") return "failed";
  if (sandbox === "unhealthy") return "unreachable";
  if (sandbox === "pending" || sandbox === "starting") return "starting";
  if (activity !== "idle") return activity;
  return sandbox === "ready" ? "ready" : "asleep";
}
