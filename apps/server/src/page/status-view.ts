import type { ConnectionStatus } from "@hhopkins/agent-runtime-client";
import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { byId, setText } from "./elements.ts";

/** Connection, what the agent and its sandbox do, what was used, and what went wrong. */
export function createStatusView() {
  const connection = byId("connection", HTMLElement);
  const activity = byId("activity", HTMLElement);
  const usage = byId("usage", HTMLElement);
  const fault = byId("fault", HTMLElement);
  return {
    connection(status: ConnectionStatus | "off"): void {
      connection.dataset["state"] = status;
      setText(connection, status === "off" || status === "stopped" ? "not connected" : status);
    },
    draw(state: SessionState): void {
      const text = activityText(state);
      activity.hidden = text === "";
      setText(activity, text);
      const { usage: tokens, costUSD, model } = state.sessionMetadata;
      const cost = costUSD > 0 ? ` · $${costUSD.toFixed(4)}` : "";
      setText(
        usage,
        tokens.totalTokens === 0 ? "" : `${model ?? ""} · ${tokens.totalTokens.toLocaleString()} tokens${cost}`,
      );
    },
    clear(): void {
      activity.hidden = true;
      setText(usage, "");
    },
    /** Shows what went wrong; null when it is over. */
    fault(message: string | null): void {
      fault.hidden = message === null;
      setText(fault, message ?? "");
    },
  };
}

function activityText({ runtime, turn, queue }: SessionState): string {
  const { sandbox } = runtime;
  const said = sandbox?.statusMessage === undefined ? "" : `: ${sandbox.statusMessage}`;
  if (sandbox?.status === "pending" || sandbox?.status === "starting") return `Sandbox ${sandbox.status}${said}`;
  if (sandbox?.status === "unhealthy") return `Sandbox ${sandbox.status}${said}`;
  if (turn !== null) return "The agent is working";
  return queue.length > 0 ? "Waiting to begin" : "";
}
