import type { SubagentState } from "@hhopkins/agent-runtime-react";
import { Badge } from "../ui/badge.tsx";

const LOOKS = {
  running: { tone: "accent", text: "running" },
  completed: { tone: "good", text: "done" },
  failed: { tone: "bad", text: "failed" },
  stopped: { tone: "warn", text: "stopped" },
} as const;

export function SubagentStatusBadge({ status }: { readonly status: SubagentState["status"] }) {
  const { tone, text } = LOOKS[status] ?? { tone: "plain", text: status };
  return <Badge tone={tone}>{text}</Badge>;
}
