import type { McpSdkServerConfigWithInstance } from "@anthropic-ai/claude-agent-sdk";
import { HOST_TOOL_SERVER, MAIN_CONVERSATION, mcpToolPrefix } from "@hhopkins/agent-runtime-protocol";
import type { HarnessSpec } from "../architecture.ts";
import { contentOf, type NativeMessage } from "./native.ts";
import { toId } from "./outlet.ts";
import { conversationOf } from "./speech.ts";

/** The tools of the application as an MCP server, whose end is in this process. */
export interface HostServer {
  /** For one process of the harness, by the server's name; empty without tools. */
  configs(): Record<string, McpSdkServerConfigWithInstance>;
  /** Notes whose calls are about to come. */
  follow(message: NativeMessage): void;
}

/** What the SDK connects a server to: messages of JSON-RPC. */
interface Transport {
  start(): Promise<void>;
  send(message: object): Promise<void>;
  onmessage?: (message: Incoming) => void;
  onclose?: () => void;
}

interface Incoming {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: {
    readonly protocolVersion?: string;
    readonly name?: string;
    readonly arguments?: Record<string, unknown>;
    readonly requestId?: string | number;
    readonly _meta?: Record<string, unknown>;
  };
}

type Spec = Pick<HarnessSpec, "start" | "hostTools" | "log">;

/** For the message that has the call to be told, before the call itself is. */
const TOLD_MS = 5_000;
/** Of the harness for a call: the server's own bounds come first, also where it is away for a while. */
const MARGIN_MS = 10 * 60_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createHostServer(spec: Spec): HostServer {
  const tools = spec.start.hostTools ?? [];
  const told = createTold();

  function connect(transport: Transport): Promise<void> {
    const running = new Map<string | number, AbortController>();
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a transport of MCP has these and no events
    transport.onclose = () => {
      for (const call of running.values()) call.abort();
    };
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as above
    transport.onmessage = (message) => {
      const { method, params = {}, id } = message;
      if (method === "notifications/cancelled") running.get(params.requestId ?? "")?.abort();
      if (id === undefined || method === undefined) return;
      const call = new AbortController();
      running.set(id, call);
      answer(method, params, call.signal)
        .then((result) => transport.send({ jsonrpc: "2.0", id, ...result }))
        .catch((error: unknown) => spec.log("an answer of host tools could not be given", error))
        .finally(() => running.delete(id));
    };
    return transport.start();
  }

  async function answer(
    method: string,
    params: NonNullable<Incoming["params"]>,
    signal: AbortSignal,
  ): Promise<{ result: object } | { error: { code: number; message: string } }> {
    switch (method) {
      case "initialize": {
        const { protocolVersion } = params;
        const serverInfo = { name: HOST_TOOL_SERVER, version: "1" };
        return { result: { protocolVersion, capabilities: { tools: {} }, serverInfo } };
      }
      case "ping":
        return { result: {} };
      case "tools/list":
        return { result: { tools } };
      case "tools/call":
        return { result: await call(params, signal) };
      default:
        return { error: { code: -32601, message: `There is no method ${method}.` } };
    }
  }

  async function call(params: NonNullable<Incoming["params"]>, signal: AbortSignal): Promise<object> {
    const native = params._meta?.["claudecode/toolUseId"];
    const toolUseId = typeof native === "string" ? toId(native) : undefined;
    const conversationId = toolUseId === undefined ? MAIN_CONVERSATION : await told.conversationOf(toolUseId);
    const called = { toolName: params.name ?? "", input: params.arguments ?? {}, conversationId };
    const about = { ...called, ...(toolUseId === undefined ? {} : { toolUseId }) };
    const { status, content } = await spec.hostTools.call(about, signal);
    return { content: [{ type: "text", text: content }], isError: status !== "success" };
  }

  return {
    configs() {
      const configs: ReturnType<HostServer["configs"]> = {};
      if (tools.length === 0) return configs;
      const timeout = Math.min((spec.start.hostToolTimeoutMs ?? 0) + MARGIN_MS, MAX_TIMER_MS);
      // The SDK asks no more of a server than that it can be connected.
      const instance = {
        connect,
        close: async () => undefined,
      } as unknown as McpSdkServerConfigWithInstance["instance"];
      // Its tools are in the first request to the model, not found by a search.
      const there = { timeout, alwaysLoad: true } as const;
      configs[HOST_TOOL_SERVER] = { type: "sdk", name: HOST_TOOL_SERVER, instance, ...there };
      return configs;
    },
    follow: (message) => told.note(message),
  };
}

/** Which calls have been told of as blocks, and in which conversation: a call overtakes the message that has it. */
function createTold(): {
  note(message: NativeMessage): void;
  conversationOf(toolUseId: string): Promise<string>;
} {
  const known = new Map<string, string>();
  const waiting = new Map<string, (conversationId: string) => void>();
  return {
    note(message) {
      // Calls that were refused never come.
      if (message.type === "result") known.clear();
      if (message.type !== "assistant") return;
      for (const { type, id = "", name = "" } of contentOf(message.message)) {
        if (type !== "tool_use" || !name.startsWith(mcpToolPrefix(HOST_TOOL_SERVER))) continue;
        const toolUseId = toId(id);
        known.set(toolUseId, conversationOf(message));
        waiting.get(toolUseId)?.(conversationOf(message));
      }
    },
    async conversationOf(toolUseId) {
      const { promise, resolve } = Promise.withResolvers<string>();
      waiting.set(toolUseId, resolve);
      const timer = setTimeout(() => resolve(MAIN_CONVERSATION), TOLD_MS);
      const conversationId = known.get(toolUseId) ?? (await promise);
      clearTimeout(timer);
      waiting.delete(toolUseId);
      known.delete(toolUseId);
      return conversationId;
    },
  };
}
