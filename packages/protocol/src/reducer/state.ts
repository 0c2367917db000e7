import type { Ask } from "../asks.ts";
import type { ConversationBlock, SubagentStatus } from "../blocks.ts";
import type { WorkspaceFile } from "../files.ts";
import type { HostToolCall } from "../host-tools.ts";
import type { EndedTurn, ForkOrigin, QueuedMessage, SessionActivity, SessionListItem, TurnState } from "../session.ts";
import { NO_USAGE } from "../no-usage.ts";
import type { SandboxGeneration } from "../runtime-state.ts";
import type { SessionMetadata, Usage } from "../usage.ts";

/** A subagent's conversation. */
export interface SubagentState {
  readonly id: string;
  readonly name: string;
  readonly status: SubagentStatus;
  readonly output?: string;
  /** The conversation that called it: `"main"` or another subagent. */
  readonly parentId?: string;
  /** Its caller goes on without waiting for it. */
  readonly background?: boolean;
  /** What it has used so far, without the subagents that it called; part of the session's `usage` and `costUSD`. */
  readonly usage?: Usage;
  readonly costUSD?: number;
  readonly blocks: readonly ConversationBlock[];
  /** Cursor for `GET /sessions/:id/blocks?before=` where older blocks exist outside of the state. */
  readonly blocksBefore?: string;
}

/** What goes on follows from the rest of a state (`activityOf`). */
type ListedState = Omit<SessionListItem, "activity">;

/**
 * What a session is at `lastSeq`: `reduce(log)`. The same on server and client, byte for byte as JSON.
 * Bounded: see `window.ts`.
 */
export interface SessionState extends ListedState {
  readonly blocks: readonly ConversationBlock[];
  readonly blocksBefore?: string;
  readonly subagents: readonly SubagentState[];
  readonly workspaceFiles: readonly WorkspaceFile[];
  /** Its last 20 sandboxes, the newest last; absent before the first. */
  readonly sandboxes?: readonly SandboxGeneration[];
  /** SHA-256 of the content of its profile that it keeps to; absent: the newest at each start of a sandbox. */
  readonly profileVersion?: string;
  /** Where it began as a copy of another session. */
  readonly forkedFrom?: ForkOrigin;
  readonly sessionMetadata: SessionMetadata;
  readonly queue: readonly QueuedMessage[];
  readonly asks: readonly Ask[];
  /** Calls of host tools whose results the agent does not have yet; absent: none. */
  readonly hostToolCalls?: readonly HostToolCall[];
  /** Rules of permissions that were allowed for the session, in the harness's own syntax. */
  readonly allowedTools?: readonly string[];
  readonly turn: TurnState | null;
  /** The turn that ended last; absent before the first has. */
  readonly lastTurn?: EndedTurn;
  /** Ids of blocks that have started and are not complete. */
  readonly streamingBlockIds: readonly string[];
  readonly logId: string;
  readonly lastSeq: number;
}

/** The state before the first event of a log. */
export function initialState(sessionId: string, logId: string): SessionState {
  return {
    sessionId,
    type: "",
    agentProfileReference: "",
    createdAt: "",
    runtime: { isLoaded: false, sandbox: null },
    blocks: [],
    subagents: [],
    workspaceFiles: [],
    sessionMetadata: { usage: NO_USAGE, costUSD: 0 },
    queue: [],
    asks: [],
    turn: null,
    streamingBlockIds: [],
    logId,
    lastSeq: 0,
  };
}

/** What goes on in a session, as lists show it. */
export function activityOf({ asks, turn, queue }: Pick<SessionState, "asks" | "turn" | "queue">): SessionActivity {
  if (asks.length > 0) return "waiting";
  if (turn !== null) return "running";
  return queue.length > 0 ? "queued" : "idle";
}
