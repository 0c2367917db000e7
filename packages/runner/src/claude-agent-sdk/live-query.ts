import type { McpServerStatus, HookCallback, Query } from "@anthropic-ai/claude-agent-sdk";
import { RuntimeError, type ResultSchema, type SessionOptions } from "@hhopkins/agent-runtime-protocol";
import type { HarnessSpec } from "../architecture.ts";
import { withDeadline } from "../deadline.ts";
import type { Asks } from "./asks/asks.ts";
import type { OpenCall } from "./asks/calls.ts";
import { spawnHarness, type HarnessProcess } from "./harness-process.ts";
import type { Layout } from "./layout/layout.ts";
import type { NativeMessage } from "./native.ts";
import { queryOptions } from "./options.ts";
import { createPrompts, type Prompts } from "./prompts.ts";
import type { Sdk } from "./sdk.ts";
import type { Transcript } from "./transcript.ts";

/** A harness process that answered, and its two streams. */
export interface LiveQuery {
  readonly query: Query;
  readonly prompts: Prompts;
  readonly process: HarnessProcess;
  /** Why it ended; undefined while it lives. */
  readonly end: { reason: string | undefined };
  /** Everything that it said was taken. */
  readonly gone: Promise<void>;
}

export interface LiveQueryInput {
  readonly spec: HarnessSpec;
  readonly layout: Layout;
  readonly sdk: Sdk;
  readonly transcript: Transcript;
  readonly sessionId: string;
  readonly sessionOptions: SessionOptions;
  readonly resultSchema: ResultSchema | undefined;
  readonly asks: Asks;
  /** Called when the tools of an answer have run. */
  readonly afterTools: HookCallback;
  /** It goes on with this call, which was put off, at once. */
  readonly continuing: OpenCall | undefined;
  readonly signal: AbortSignal;
  /** Milliseconds that the start may take. */
  readonly startTimeoutMs: number;
  /** Takes each message; the next is read when it has resolved. */
  readonly onMessage: (message: NativeMessage) => Promise<void>;
  /** The process is gone; called once, also when the start failed. */
  readonly onEnd: (live: LiveQuery, reason: string) => void;
}

/** Starts a harness process and waits until it is ready. Throws `harness_failed` or `harness_timeout`. */
export async function openQuery(input: LiveQueryInput): Promise<LiveQuery> {
  const { sdk, transcript, sessionId } = input;
  const prompts = createPrompts();
  const resume = await transcript.has(sessionId);
  transcript.opened();
  const spawned = Promise.withResolvers<HarnessProcess>();
  const query = sdk.query({
    prompt: prompts,
    options: queryOptions({
      ...input,
      executable: sdk.executable,
      store: transcript.store,
      resume,
      spawn: (options) => {
        const process = spawnHarness(options);
        spawned.resolve(process);
        return process.process;
      },
    }),
  });
  const ready = query.initializationResult();
  ready.catch(() => undefined);
  const deadline = startDeadline(input);
  try {
    const process = await Promise.race([spawned.promise, ready.then(() => spawned.promise), deadline.expired]);
    const gone = Promise.withResolvers<void>();
    const live: LiveQuery = { query, prompts, process, end: { reason: undefined }, gone: gone.promise };
    void pump(live, input).then(gone.resolve);
    try {
      await Promise.race([ready, deadline.expired]);
    } catch (cause) {
      process.kill();
      throw startError(cause, process);
    }
    input.spec.log("harness started", { pid: process.pid, sessionId, resume });
    return live;
  } finally {
    deadline.clear();
  }
}

/** The SDK has it, its declarations do not. */
interface Cancelling {
  cancelAsyncMessage?(uuid: string): Promise<boolean>;
}

/** Takes back a message that the harness has queued and not begun. False: it is too late for that. */
export async function cancelMessage(live: LiveQuery | undefined, uuid: string): Promise<boolean> {
  const query: (Query & Cancelling) | undefined = live?.query;
  return (await query?.cancelAsyncMessage?.(uuid)) ?? false;
}

/** None where the harness does not say: what it has to say next must not wait for it. */
export async function mcpStatuses({ query }: LiveQuery, { log }: HarnessSpec): Promise<McpServerStatus[]> {
  return withDeadline(query.mcpServerStatus(), 5_000, "The harness did not tell of its MCP servers").catch(
    (error: unknown) => {
      log("the state of MCP servers is not known", error);
      return [];
    },
  );
}

async function pump(live: LiveQuery, input: LiveQueryInput): Promise<void> {
  let reason = "it ended";
  try {
    for await (const message of live.query) await input.onMessage(message as NativeMessage);
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  live.end.reason = reason;
  live.prompts.end();
  live.process.kill();
  input.spec.log("harness ended", { pid: live.process.pid, reason, stderr: live.process.errorTail() });
  input.onEnd(live, reason);
}

function startDeadline({ signal, startTimeoutMs }: LiveQueryInput): { expired: Promise<never>; clear: () => void } {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => undefined);
  const onAbort = (): void =>
    reject(new RuntimeError("harness_failed", "The start of the agent process was called off."));
  const seconds = Math.round(startTimeoutMs / 1000);
  const onTimeout = (): void =>
    reject(
      new RuntimeError(
        "harness_timeout",
        `The agent process was not ready within ${seconds} s. Try again when the machine has less to do.`,
      ),
    );
  const timer = setTimeout(onTimeout, startTimeoutMs);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const clear = (): void => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  };
  return { expired: promise, clear };
}

function startError(cause: unknown, process: HarnessProcess): RuntimeError {
  if (cause instanceof RuntimeError) return cause;
  const said = process.errorTail().trim().split("\n").at(-1) ?? "";
  const why = said === "" ? (cause instanceof Error ? cause.message : String(cause)) : said;
  return new RuntimeError("harness_failed", `The agent process could not be started: ${why}`, { cause });
}
