import { RuntimeError, StopReport, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { withDeadline } from "./deadline.ts";
import type { RunnerLink } from "./runner-link.ts";

/** For the runner's answer. */
const STOP_MS = 15_000;

export interface SubagentStop {
  readonly state: SessionState;
  readonly subagentId: string;
  readonly link: Pick<RunnerLink, "command"> | undefined;
  readonly commandId: string;
}

/** Whether there is something to stop. Throws `subagent_not_found`. */
export function runsSubagent({ subagents }: SessionState, subagentId: string): boolean {
  const subagent = subagents.find(({ id }) => id === subagentId);
  if (subagent === undefined)
    throw new RuntimeError("subagent_not_found", `There is no subagent ${subagentId} in this session.`);
  return subagent.status === "running";
}

/** Has the runner stop one subagent of the running turn; that it stopped comes as an event. Nothing where it had ended. */
export async function stopSubagent({ state, subagentId, link, commandId }: SubagentStop): Promise<void> {
  if (!runsSubagent(state, subagentId) || state.turn === null) return;
  const late = (): RuntimeError =>
    new RuntimeError("unavailable", "The subagent's sandbox did not answer; try again.", { retryAfter: 1 });
  if (link === undefined) throw late();
  const { turnId } = state.turn;
  StopReport.parse(
    await withDeadline(link.command(commandId, { kind: "stop-subagent", turnId, subagentId }), STOP_MS, late),
  );
}
