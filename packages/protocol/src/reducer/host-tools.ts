import type { ConversationBlock } from "../blocks.ts";
import type { EventData, SessionEvent } from "../events.ts";
import type { HostToolCall } from "../host-tools.ts";
import type { SessionState } from "./state.ts";

type Called = Extract<SessionEvent, { type: "session:host-tool:called" }>;
type Completed = EventData<"session:host-tool:completed">;

export function callHostTool(state: SessionState, { seq, at, data }: Called): SessionState {
  const { input: _input, ...call } = data.call;
  return withCalls(state, [...(state.hostToolCalls ?? []), { ...call, calledAt: at, calledSeq: seq }]);
}

/** One that was cancelled has nobody who waits for it. */
export function completeHostTool(state: SessionState, seq: number, { callId, status }: Completed): SessionState {
  if (status === "cancelled") return keepCalls(state, (call) => call.callId !== callId);
  const calls = state.hostToolCalls ?? [];
  return withCalls(
    state,
    calls.map((call) => (call.callId === callId ? { ...call, completedSeq: seq } : call)),
  );
}

/** The agent has the result. */
export function receiveHostResult(state: SessionState, block: ConversationBlock): SessionState {
  if (block.type !== "tool_result" || state.hostToolCalls === undefined) return state;
  return keepCalls(state, (call) => call.toolUseId !== block.toolUseId);
}

/** The turn is over: nobody waits any more. */
export function endHostTools(state: SessionState): SessionState {
  return keepCalls(state, () => false);
}

function keepCalls(state: SessionState, keep: (call: HostToolCall) => boolean): SessionState {
  return state.hostToolCalls === undefined ? state : withCalls(state, state.hostToolCalls.filter(keep));
}

/** Absent where there are none, as in states of versions that knew none. */
function withCalls(state: SessionState, calls: readonly HostToolCall[]): SessionState {
  const { hostToolCalls: _before, ...rest } = state;
  return calls.length === 0 ? rest : { ...rest, hostToolCalls: calls };
}
