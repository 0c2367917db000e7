/** What a runner says of calls of host tools, as events: any of it may be the agent's own words. */
import {
  HOST_TOOL_LIMITS,
  MAIN_CONVERSATION,
  type EntryBody,
  type EventDraft,
  type SessionState,
} from "@hhopkins/agent-runtime-protocol";
import type { EntryWrite } from "./entry-translation.ts";

type HostToolEntry = Extract<EntryBody, { kind: `host-tool:${string}` }>;

/** Calls that have not come to an end. */
export function openHostCalls({ hostToolCalls = [] }: SessionState): Set<string> {
  return new Set(hostToolCalls.flatMap(({ callId, completedSeq }) => (completedSeq === undefined ? [callId] : [])));
}

/** Adds an entry to the write. Returns why it was refused, or null. */
export function addHostToolEntry(write: EntryWrite, body: HostToolEntry): string | null {
  const { sessionId, hostCalls } = write;
  if (body.kind === "host-tool:cancelled") {
    // Its result may have come meanwhile.
    if (hostCalls.delete(body.callId)) write.events.push(...cancelledHostCalls(sessionId, [body.callId]));
    return null;
  }
  const refusal = refuseCall(write, body.call);
  if (refusal !== null) return refusal;
  const { conversationId } = body.call;
  const call = { ...body.call, conversationId: write.knows(conversationId) ? conversationId : MAIN_CONVERSATION };
  hostCalls.add(call.callId);
  write.events.push({ type: "session:host-tool:called", data: { sessionId, call } });
  return null;
}

function refuseCall(
  { state, hostCalls, turnEnded }: EntryWrite,
  { callId, input }: Extract<HostToolEntry, { kind: "host-tool:called" }>["call"],
): string | null {
  if (state.turn === null || turnEnded) return `no turn runs that could make call ${callId}`;
  const isKnown = hostCalls.has(callId) || (state.hostToolCalls ?? []).some((known) => known.callId === callId);
  if (isKnown) return `call ${callId} exists`;
  if (hostCalls.size >= HOST_TOOL_LIMITS.calls) return `${hostCalls.size} calls wait already`;
  if (Buffer.byteLength(JSON.stringify(input)) > HOST_TOOL_LIMITS.input)
    return `the input of call ${callId} is too large`;
  return null;
}

/** Nobody waits for them any more. */
export function cancelledHostCalls(sessionId: string, callIds: Iterable<string>): EventDraft[] {
  return [...callIds].map((callId) => ({
    type: "session:host-tool:completed",
    data: { sessionId, callId, status: "cancelled", content: "Nobody waits for it any more." },
  }));
}
