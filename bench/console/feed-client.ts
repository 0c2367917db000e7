import type { Order } from "../fanout/order.ts";

/** Makes sessions of a server on a feed, and has them say what is ordered. */
export interface FeedClient {
  create(): Promise<string>;
  /** Resolves when the order is kept. */
  order(sessionId: string, order: Order): Promise<void>;
  /** Resolves when nothing is being said. */
  idle(sessionId: string): Promise<void>;
}

export function feedClient(url: string, key: string): FeedClient {
  const request = async (method: string, path: string, body?: object): Promise<Response> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { "x-api-key": key, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    async create() {
      const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
      const response = await request("POST", "/sessions/create", body);
      return ((await response.json()) as { sessionId: string }).sessionId;
    },
    async order(sessionId, order) {
      await request("POST", `/sessions/${sessionId}/message`, { content: JSON.stringify(order) });
    },
    async idle(sessionId) {
      for (;;) {
        const response = await request("GET", `/sessions/${sessionId}?blocks=1`);
        const { turn, queue } = (await response.json()) as { turn: object | null; queue: object[] };
        if (turn === null && queue.length === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}
