import { randomUUID } from "node:crypto";
import { HOST_TOOL_LIMITS } from "@hhopkins/agent-runtime-protocol";
import type { CalledHostTool, EntryBody, HostToolResult } from "@hhopkins/agent-runtime-protocol";

/** How an architecture calls tools of the application, which run where the server does. */
export interface HostTools {
  /** Never rejects. When `signal` fires the call is cancelled, and what it resolves with is of no use. */
  call(call: Omit<CalledHostTool, "callId">, signal: AbortSignal): Promise<HostToolResult>;
}

/** The calls that wait for the server. */
export interface HostToolCalls extends HostTools {
  /** The server's answer. One that nobody waits for is left as it is. */
  settle(callId: string, result: HostToolResult): void;
}

export function createHostTools(emit: (body: EntryBody) => Promise<void>): HostToolCalls {
  const waiting = new Map<string, (result: HostToolResult) => void>();

  async function call(call: Omit<CalledHostTool, "callId">, signal: AbortSignal): Promise<HostToolResult> {
    const refusal = refusalOf(call.input, waiting.size);
    if (refusal !== null) return { status: "error", content: refusal };
    if (signal.aborted) return CANCELLED;
    const callId = `call_${randomUUID()}`;
    const { promise, resolve } = Promise.withResolvers<HostToolResult>();
    waiting.set(callId, resolve);
    const cancel = (): void => resolve(CANCELLED);
    signal.addEventListener("abort", cancel, { once: true });
    // Before its cancellation, whatever comes meanwhile.
    await emit({ kind: "host-tool:called", call: { callId, ...call } });
    const result = await promise;
    signal.removeEventListener("abort", cancel);
    waiting.delete(callId);
    if (result === CANCELLED) await emit({ kind: "host-tool:cancelled", callId });
    return result;
  }

  return { call, settle: (callId, result) => waiting.get(callId)?.(result) };
}

const CANCELLED: HostToolResult = { status: "cancelled", content: "The call was cancelled." };

/** Why a call is not made, for the agent. */
function refusalOf(input: Readonly<Record<string, unknown>>, waiting: number): string | null {
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes > HOST_TOOL_LIMITS.input)
    return `The input has ${bytes} bytes, and at most ${HOST_TOOL_LIMITS.input} are taken. Call it with less.`;
  if (waiting >= HOST_TOOL_LIMITS.calls)
    return `${waiting} calls of host tools wait already. Call it again when some of them are done.`;
  return null;
}
