import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild, type Child } from "../../bench/child.ts";
import type { Order } from "../../bench/fanout/order.ts";
import type { FollowersAnswer, FollowersRequest } from "./follower-words.ts";

export const KEY = "test-api-key";

/** A runtime on SQLite in a process of its own, with a feed where its agents would be. */
export interface FedServer extends AsyncDisposable {
  readonly url: string;
  create(): Promise<string>;
  order(sessionId: string, order: Omit<Order, "end">): Promise<void>;
  remove(sessionId: string): Promise<void>;
  /** What it holds after a garbage collection. */
  holds(): Promise<{
    readonly bytes: number;
    readonly descriptors: number;
    readonly resources: Readonly<Record<string, number>>;
  }>;
}

export async function startFedServer(): Promise<FedServer> {
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-clients-"));
  const child = await startChild("./fanout/runtime-server.ts", {
    args: [KEY, join(folder, "test.db")],
    execArgv: ["--expose-gc"],
  });
  const url = `http://127.0.0.1:${child.port}`;
  const request = async (method: string, path: string, body?: object): Promise<unknown> => {
    const headers = { "x-api-key": KEY, "content-type": "application/json" };
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  };
  return {
    url,
    async create() {
      const created = await request("POST", "/sessions/create", {
        agentProfileRef: "default",
        architecture: "claude-agent-sdk",
      });
      return (created as { sessionId: string }).sessionId;
    },
    async order(sessionId, order) {
      await request("POST", `/sessions/${sessionId}/message`, {
        content: JSON.stringify({ blockDeltas: 100, ...order, end: "END" }),
      });
    },
    async remove(sessionId) {
      await request("DELETE", `/sessions/${sessionId}`);
    },
    async holds() {
      const held = (await child.ask({ holds: true })) as { bytes: number; resources: Record<string, number> };
      return { ...held, descriptors: (await readdir(`/proc/${child.pid}/fd`)).length };
    },
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Clients in a process of their own. */
export interface Followers extends AsyncDisposable {
  ask(request: FollowersRequest): Promise<FollowersAnswer["followers"]>;
}

export async function startFollowers(): Promise<Followers> {
  const child: Child = await startChild("../tests/clients/followers.ts");
  return {
    ask: async (request) => ((await child.ask(request)) as FollowersAnswer).followers,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
