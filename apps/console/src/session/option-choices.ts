import type { SessionOptions } from "@hhopkins/agent-runtime-protocol";

/** What a session's options can be, as people choose among them. */
export const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const satisfies readonly SessionOptions["effort"][];

export const MODES = [
  { value: "bypassPermissions", label: "Allow everything" },
  { value: "acceptEdits", label: "Allow edits, ask for the rest" },
  { value: "default", label: "Ask before changes" },
  { value: "dontAsk", label: "Refuse what no rule allows" },
  { value: "plan", label: "Plan first" },
] as const satisfies readonly { value: NonNullable<SessionOptions["permissionMode"]>; label: string }[];
