import type { HostToolResult, StartCommand } from "@hhopkins/agent-runtime-protocol";
import { expect, test } from "vitest";
import type { HostTools } from "../host-tools/host-tools.ts";
import { createHostServer } from "./host-server.ts";

const start: StartCommand = {
  kind: "start",
  architecture: "claude-agent-sdk",
  profile: { id: "p", name: "P" },
  options: {},
  environment: {},
  ignore: [],
  maxFileBytes: 1,
  hostTools: [{ name: "lookup", description: "d", inputSchema: { type: "object" } }],
  hostToolTimeoutMs: 1000,
};
type Called = Parameters<HostTools["call"]>[0];

/** The server with the harness's end of its transport. */
function connected(end: (called: Called, signal: AbortSignal) => Promise<HostToolResult>) {
  const calls: { called: Called; signal: AbortSignal }[] = [];
  const hostTools: HostTools = {
    call(called, signal) {
      calls.push({ called, signal });
      return end(called, signal);
    },
  };
  const server = createHostServer({ start, hostTools, log: () => undefined });
  const answers = new Map<unknown, Record<string, unknown>>();
  const transport = {
    start: async () => undefined,
    send: async (message: object) => void answers.set((message as { id: unknown }).id, message as never),
    onmessage: (_message: object) => undefined as void,
    onclose: () => undefined as void,
  };
  const { instance, ...config } = server.configs()["host"] ?? {};
  void (instance as unknown as { connect(to: object): Promise<void> }).connect(transport);
  const ask = async (id: number, method: string, params: object = {}): Promise<Record<string, unknown> | undefined> => {
    transport.onmessage({ jsonrpc: "2.0", id, method, params });
    await expect.poll(() => answers.has(id)).toBe(true);
    return answers.get(id);
  };
  const lookup = { name: "lookup", arguments: { id: 1 }, _meta: { "claudecode/toolUseId": "t1" } };
  /** The message of the harness that has the call. */
  const told = (parent: string | null): void =>
    server.follow({
      type: "assistant",
      parent_tool_use_id: parent,
      message: { content: [{ type: "tool_use", id: "t1", name: "mcp__host__lookup" }] },
    });
  return { server, config, transport, calls, ask, lookup, told };
}

const found: HostToolResult = { status: "success", content: "found" };
const wait = (_called: Called, signal: AbortSignal): Promise<HostToolResult> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve({ status: "cancelled", content: "" })));

test("without tools there is no server; with tools the harness waits longer for it than the application does", () => {
  const { config } = connected(async () => found);
  expect(config).toEqual({ type: "sdk", name: "host", timeout: 601_000, alwaysLoad: true });
  const { hostTools: _none, ...without } = start;
  const hostTools = { call: async () => found };
  expect(createHostServer({ start: without, hostTools, log: () => undefined }).configs()).toEqual({});
});

test("it speaks what the harness asks of an MCP server", async () => {
  const { ask, lookup, told, calls } = connected(async ({ input }) =>
    input["id"] === 1 ? found : { ...found, status: "error" },
  );
  expect(await ask(1, "initialize", { protocolVersion: "2025-11-25" })).toMatchObject({
    result: { protocolVersion: "2025-11-25", capabilities: { tools: {} }, serverInfo: { name: "host" } },
  });
  expect(await ask(2, "tools/list")).toMatchObject({ result: { tools: start.hostTools } });
  expect(await ask(3, "ping")).toMatchObject({ result: {} });
  expect(await ask(4, "resources/list")).toMatchObject({ error: { code: -32601 } });
  told(null);
  const text = [{ type: "text", text: "found" }];
  expect(await ask(5, "tools/call", lookup)).toMatchObject({ result: { content: text, isError: false } });
  expect(await ask(6, "tools/call", { name: "lookup", arguments: {} })).toMatchObject({ result: { isError: true } });
  expect(calls.map(({ called }) => called)).toEqual([
    { toolName: "lookup", input: { id: 1 }, conversationId: "main", toolUseId: "t1" },
    { toolName: "lookup", input: {}, conversationId: "main" },
  ]);
});

test("a call waits until the message that has it was told, and is the subagent's whose message that is", async () => {
  const { ask, lookup, told, calls } = connected(async () => found);
  const answer = ask(1, "tools/call", lookup);
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toEqual([]);
  told("agent-1");
  await answer;
  expect(calls.map(({ called }) => called.conversationId)).toEqual(["agent-1"]);
});

test("a call ends when the harness cancels it, and when its process is gone", async () => {
  for (const how of ["cancelled", "closed"]) {
    const { transport, lookup, told, calls } = connected(wait);
    told(null);
    transport.onmessage({ jsonrpc: "2.0", id: 7, method: "tools/call", params: lookup });
    await expect.poll(() => calls.length).toBe(1);
    const other = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 8 } };
    transport.onmessage(other);
    expect(calls[0]?.signal.aborted).toBe(false);
    if (how === "cancelled") transport.onmessage({ ...other, params: { requestId: 7 } });
    else transport.onclose();
    expect(calls[0]?.signal.aborted).toBe(true);
  }
});
