import {
  toRuntimeError,
  type BlockUpdates,
  type EventData,
  type HostToolCall,
  type HostToolResult,
  type SessionState,
  type ToolUseBlock,
} from "@hhopkins/agent-runtime-protocol";
import { failpoint } from "../failpoint.ts";
import { callRate, createProgress, runHostTool, type HostTool } from "../host-tools/index.ts";
import type { SessionKey } from "../persistence/session-store.ts";
import { profileOf } from "./pinned-profile.ts";
import type { SandboxSupervisor } from "./sandbox-supervisor.ts";
import type { SessionParts } from "./session-parts.ts";
import type { SessionWriter } from "./session-writer.ts";

export interface CallingSession {
  readonly key: SessionKey;
  readonly writer: SessionWriter;
  readonly supervisor: Pick<SandboxSupervisor, "link">;
  state(): SessionState;
}

/**
 * Runs the calls of host tools that stand in a session's log, and hands their results to its runner. Which calls there
 * are, and which are done, is in the log alone: what a server that was killed had begun is run again only where the tool is
 * idempotent.
 */
export class HostToolCalls {
  readonly #parts: SessionParts;
  readonly #session: CallingSession;
  /** Begun by an earlier server. */
  readonly #leftOver: ReadonlySet<string>;
  readonly #begun = new Set<string>();
  readonly #running = new Map<string, AbortController>();
  /** Those that run and must not run again. */
  readonly #once = new Set<string>();
  /** Results that its runner has, or is being given. */
  readonly #told = new Set<string>();
  readonly #mayCall: () => boolean;
  #closed = false;

  constructor(parts: SessionParts, session: CallingSession) {
    this.#parts = parts;
    this.#session = session;
    this.#leftOver = new Set(callsOf(session.state()).map(({ callId }) => callId));
    this.#mayCall = callRate(() => parts.now().getTime());
  }

  /** The log has grown, or a runner is there: begins, ends and tells what follows from that. */
  follow(): void {
    if (this.#closed) return;
    const calls = callsOf(this.#session.state());
    if (calls.length === 0 && this.#begun.size === 0) return;
    const known = new Set(calls.map(({ callId }) => callId));
    for (const callId of this.#begun) if (!known.has(callId)) this.#forget(callId);
    for (const call of calls) {
      if (call.completedSeq !== undefined) void this.#tellAgain(call, call.completedSeq);
      else if (!this.#begun.has(call.callId)) void this.#begin(call);
    }
  }

  /** Something runs that no other server could run again. */
  get runsOnce(): boolean {
    return this.#once.size > 0;
  }

  /** Nobody waits for it any more. */
  #forget(callId: string): void {
    this.#begun.delete(callId);
    this.#told.delete(callId);
    this.#running.get(callId)?.abort();
  }

  /** The session goes on elsewhere, or not at all. */
  close(): void {
    this.#closed = true;
    for (const running of this.#running.values()) running.abort();
  }

  async #begin(call: HostToolCall): Promise<void> {
    const { callId, toolName } = call;
    const { sessionId } = this.#session.key;
    const cancel = new AbortController();
    this.#begun.add(callId);
    this.#running.set(callId, cancel);
    const since = performance.now();
    try {
      const result = await this.#resultOf(call, cancel.signal).catch((error: unknown) => {
        this.#parts.log.warn({ err: error, sessionId, toolName }, "a host tool could not be run");
        return failure(`The tool ${toolName} could not be run: ${toRuntimeError(error).message}`);
      });
      this.#running.delete(callId);
      if (result.status !== "success")
        this.#parts.log.info({ sessionId, toolName, callId, status: result.status }, "a host tool did not succeed");
      await this.#complete(callId, result, performance.now() - since);
    } catch (error) {
      if (!this.#closed) this.#parts.log.warn({ err: error, sessionId, toolName }, "a host tool's result was not kept");
    } finally {
      this.#running.delete(callId);
      this.#once.delete(callId);
    }
  }

  async #resultOf(call: HostToolCall, signal: AbortSignal): Promise<HostToolResult> {
    const { callId, toolName } = call;
    const tool = this.#parts.hostTools.find(toolName);
    if (this.#leftOver.has(callId) && tool?.idempotent !== true) return unknownOutcome(toolName);
    if (tool === undefined || !(await this.#isOffered(toolName))) return failure(notThere(toolName));
    if (!this.#mayCall())
      return failure("This session calls host tools too fast. Wait a few seconds, and call it again.");
    if (!tool.idempotent) this.#once.add(callId);
    return this.#run(call, tool, signal);
  }

  async #isOffered(toolName: string): Promise<boolean> {
    const profile = await profileOf(this.#parts, this.#session);
    return this.#parts.hostTools.offered(profile).some(({ name }) => name === toolName);
  }

  async #run(call: HostToolCall, tool: HostTool, signal: AbortSignal): Promise<HostToolResult> {
    const { callId, toolName, toolUseId, conversationId, calledSeq } = call;
    const { tenant, sessionId } = this.#session.key;
    const { agentProfileReference, metadata = {} } = this.#session.state();
    const event = await this.#event(calledSeq);
    const input = event?.type === "session:host-tool:called" ? event.data.call.input : undefined;
    const progress = createProgress((text) => this.#show(call, text));
    const context = {
      sessionId,
      tenant,
      agentProfileReference,
      metadata,
      conversationId,
      callId,
      ...(toolUseId === undefined ? {} : { toolUseId }),
      signal,
      progress: progress.say,
    };
    const onThrown = (error: unknown): void =>
      this.#parts.log.warn({ err: error, sessionId, toolName, callId }, "a host tool failed");
    const result = await runHostTool({ name: toolName, tool, input, context, onThrown });
    await progress.end();
    return result;
  }

  async #event(seq: number): Promise<Awaited<ReturnType<SessionParts["store"]["events"]>>[number] | undefined> {
    const [event] = await this.#parts.store.events(this.#session.key, { after: seq - 1, limit: 1 });
    return event;
  }

  /** On the block of the call, where people look. */
  #show(call: HostToolCall, progress: string): Promise<void> {
    const { writer, key } = this.#session;
    return writer.run(async () => {
      const block = this.#isOpen(call.callId) ? blockOf(this.#session.state(), call) : undefined;
      if (block === undefined) return;
      const { conversationId } = call;
      const updates: BlockUpdates = { progress };
      const data = { sessionId: key.sessionId, conversationId, blockId: block.id, updates };
      await writer.append({ events: [{ type: "session:block:update", data }] });
    });
  }

  #isOpen(callId: string): boolean {
    const call = callsOf(this.#session.state()).find((known) => known.callId === callId);
    return !this.#closed && call !== undefined && call.completedSeq === undefined;
  }

  /** Kept before it is told. */
  async #complete(callId: string, result: HostToolResult, durationMs: number): Promise<void> {
    const { writer, key } = this.#session;
    await writer.run(async () => {
      if (!this.#isOpen(callId)) return;
      this.#told.add(callId);
      const data: EventData<"session:host-tool:completed"> = {
        sessionId: key.sessionId,
        callId,
        ...result,
        durationMs,
      };
      await writer.save({ events: [{ type: "session:host-tool:completed", data }] });
      failpoint("host-tool:kept");
      this.#tell(callId, result);
    });
  }

  /** Its runner takes it once, however often it is told. */
  #tell(callId: string, result: HostToolResult): void {
    const { link } = this.#session.supervisor;
    if (link === undefined) {
      this.#told.delete(callId);
      return;
    }
    link.command(`host-tool:${callId}`, { kind: "host-tool:result", callId, result }).catch((error: unknown) => {
      this.#told.delete(callId);
      this.#parts.log.debug({ err: error, callId }, "the runner did not take a host tool's result");
    });
  }

  /** What an earlier server had kept, and may not have told. */
  async #tellAgain({ callId }: HostToolCall, completedSeq: number): Promise<void> {
    if (this.#told.has(callId) || this.#session.supervisor.link === undefined) return;
    this.#told.add(callId);
    try {
      const event = await this.#event(completedSeq);
      if (event?.type !== "session:host-tool:completed") return;
      const { status, content } = event.data;
      this.#tell(callId, { status, content });
    } catch (error) {
      this.#told.delete(callId);
      this.#parts.log.warn({ err: error, callId }, "a host tool's result could not be read");
    }
  }
}

function callsOf({ hostToolCalls = [] }: SessionState): readonly HostToolCall[] {
  return hostToolCalls;
}

function blockOf(state: SessionState, { conversationId, toolUseId }: HostToolCall): ToolUseBlock | undefined {
  const subagent = state.subagents.find(({ id }) => id === conversationId);
  const { blocks } = subagent ?? state;
  return blocks.findLast((block): block is ToolUseBlock => block.type === "tool_use" && block.toolUseId === toolUseId);
}

function failure(content: string): HostToolResult {
  return { status: "error", content };
}

function notThere(toolName: string): string {
  return `The application has no tool ${toolName} for this agent any more. Go on without it.`;
}

function unknownOutcome(toolName: string): HostToolResult {
  const content = `The server on which ${toolName} ran ended in the middle of it, so the outcome of this call is unknown: it may have been done, in part or not at all. It was not run again. Find out before you call it again.`;
  return { status: "unknown", content };
}
