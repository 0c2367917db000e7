import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createNodeHandler, type AgentRuntimeConfig, type SandboxProvider } from "@hhopkins/agent-runtime";
import { unsafeProcessSandbox } from "@hhopkins/agent-runtime/sandbox/unsafe-process";
import { script } from "@hhopkins/agent-runtime-testkit";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { API_KEY, CANARY, said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

interface Cloud extends AsyncDisposable {
  readonly server: RuntimeUnderTest;
  readonly url: string;
  /** Requests that came to the gateway's path. */
  readonly asked: string[];
}

/** A runtime behind an HTTP server, whose provider says that its sandboxes are on other hosts. */
async function cloud(gateway: (url: string) => AgentRuntimeConfig["gateway"]): Promise<Cloud> {
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-cloud-"));
  const asked: string[] = [];
  const http = createServer().listen(0, "127.0.0.1");
  await once(http, "listening");
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const provider: SandboxProvider = { ...unsafeProcessSandbox({ dataDir: folder }), remote: true };
  const option = gateway(`${url}/gateway`);
  const server = await startRuntime({ sandbox: provider, ...(option === undefined ? {} : { gateway: option }) });
  const handle = createNodeHandler(server.runtime.createRestServer({ apiKey: API_KEY }));
  http.on("request", (request, response) => {
    if (request.url?.startsWith("/gateway/") === true) asked.push(request.url);
    handle(request, response);
  });
  const close = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    http.closeAllConnections();
    http.close();
    await rm(folder, { recursive: true, force: true });
  };
  return { server, url, asked, [Symbol.asyncDispose]: close };
}

const SHOW = script([{ tools: [{ name: "Bash", input: { command: "env", description: "Show" } }] }, { text: "shown" }]);

function shown(state: Awaited<ReturnType<RuntimeUnderTest["turn"]>>): string {
  return JSON.stringify(state.blocks.findLast((block) => block.type === "tool_result"));
}

test("gateway.publicUrl: a sandbox elsewhere reaches the model by HTTP with its token, and never has the key", async () => {
  await using way = await cloud((publicUrl) => ({ publicUrl }));
  const sessionId = await way.server.create();
  const state = await way.server.turn(sessionId, SHOW);
  expect(said(state)).toEqual(["shown"]);
  expect(way.asked.some((path) => path.startsWith("/gateway/v1/messages"))).toBe(true);
  expect(way.asked.join()).not.toContain("art_");
  const token = /ANTHROPIC_API_KEY=(art_[\w-]+)/.exec(shown(state))?.[1] ?? "";
  expect(shown(state)).not.toContain(CANARY);
  const ask = async (key: string): Promise<number> => {
    const headers = { "x-api-key": key };
    return (await fetch(`${way.url}/gateway/v1/models`, { headers })).status;
  };
  expect(await ask(token)).not.toBe(401);
  expect(await ask(`${token}x`)).toBe(401);
  await way.server.request("POST", `/sessions/${sessionId}/unload`);
  expect(await ask(token)).toBe(401);
});

test("without it the path is not there, and the model is reached over the sandbox's streams", async () => {
  await using way = await cloud(() => undefined);
  expect(said(await way.server.turn(await way.server.create(), SHOW))).toEqual(["shown"]);
  expect(way.asked).toEqual([]);
  expect((await fetch(`${way.url}/gateway/v1/models`, { headers: { "x-api-key": "art_x" } })).status).toBe(401);
  const known = await fetch(`${way.url}/gateway/v1/models`, { headers: { authorization: `Bearer ${API_KEY}` } });
  expect(known.status).toBe(404);
});

test("gateway.unsafeKeyInSandbox: the key is in the sandbox, and each start says so", async () => {
  await using way = await cloud(() => ({ unsafeKeyInSandbox: true }));
  const state = await way.server.turn(await way.server.create(), SHOW);
  expect([said(state), shown(state).includes(CANARY)]).toEqual([["shown"], true]);
  const warned = way.server.logs.filter(
    ({ level, message }) => level === "warn" && message.includes("unsafeKeyInSandbox"),
  );
  expect(warned).toHaveLength(1);
});
