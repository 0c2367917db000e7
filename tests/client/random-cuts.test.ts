import { createAgentClient, type LiveEvent } from "@hhopkins/agent-runtime-client";
import { sqlitePersistence } from "@hhopkins/agent-runtime/persistence/sqlite";
import { script } from "@hhopkins/agent-runtime-testkit";
import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { KEY, runningServer } from "../contract/running-server.ts";
import { cuttableProxy } from "./cuttable-proxy.ts";
import { SseFollower } from "./sse-follower.ts";

// Real turns of a real agent, over real lines that are cut at random, mid-block too, while the log is compacted.

const WAIT = { timeout: 30_000, interval: 5 };
const backoff = { initialMs: 1, maxMs: 20 };

test.each([1, 2])(
  "followers over WebSocket and SSE hold the server's state, byte for byte (cuts of seed %i)",
  async (seed) => {
    const pauses = fc.sample(fc.nat(150), { seed, numRuns: 1000 });
    const persistence = sqlitePersistence({ file: ":memory:" });
    await using server = await runningServer({ config: { persistence, compactAfterEvents: 1 } });
    await using line = await cuttableProxy(Number(new URL(server.url).port));
    const through = `http://127.0.0.1:${line.port}`;
    const sessionId = await server.create();
    const client = createAgentClient({ baseUrl: through, apiKey: KEY });
    const seen: LiveEvent[] = [];
    const webSockets = [
      client.follow(sessionId, { onEvent: (event) => seen.push(event) }, { fromStart: true, backoff }),
      client.follow(sessionId, {}, { backoff }),
    ];
    const sse = [0, 1].map(() => new SseFollower({ url: through, sessionId, key: KEY }));
    const done = new AbortController();
    const cutting = (async () => {
      for (const pause of pauses) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        if (done.signal.aborted) return;
        line.cut();
      }
    })();
    const steps = [
      { text: "word ".repeat(120), delayMs: 3 },
      { tools: [{ name: "Bash", input: { command: "echo hello > made.txt", description: "Write" } }] },
      { text: "and more ".repeat(60), delayMs: 3 },
    ];
    for (let turns = 0; turns < 3; turns += 1) {
      const { json } = await server.send(sessionId, script(steps));
      await vi.waitUntil(async () => {
        const { turn, queue, blocks } = await server.state(sessionId);
        return turn === null && queue.length === 0 && blocks.some(({ id }) => id === json.messageId);
      }, WAIT);
    }
    done.abort();
    await cutting;
    const key = { tenant: "default", sessionId };
    await vi.waitUntil(async () => {
      const head = await persistence.store.head(key);
      return head !== null && head.compactedTo > head.lastSeq - 10;
    }, WAIT);
    const late = new SseFollower({ url: through, sessionId, key: KEY });
    const text = await (await fetch(`${server.url}/sessions/${sessionId}`, { headers: { "x-api-key": KEY } })).text();
    const { lastSeq } = JSON.parse(text) as { lastSeq: number };
    for (const follower of [...webSockets, ...sse, late]) {
      await vi.waitUntil(() => follower.state?.lastSeq === lastSeq, WAIT);
      expect(JSON.stringify(follower.state)).toBe(text);
    }
    expect(late.covering).toBeGreaterThan(0);
    // The first saw each number once, as itself or in what stood for it.
    expect(seen.map(({ from, seq }) => from ?? seq)).toEqual([1, ...seen.slice(0, -1).map(({ seq }) => seq + 1)]);
    expect(line.connections).toBeGreaterThan(10);
    for (const follower of webSockets) follower.stop();
    await Promise.all([...sse, late].map((follower) => follower.stop()));
  },
);
