/**
 * How fast one session's deltas reach many clients: the runtime's WebSocket and its SSE, beside `ws` and Socket.IO
 * with nothing around them, in turns. The same feed says the same deltas to each of them; the feed, the server and the
 * clients are processes of their own. Then: how late a delta comes at 1,000 a second.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startChild, type Child } from "./child.ts";
import { now } from "./clock.ts";
import type { CrowdRequest, CrowdTake } from "./fanout/crowd-words.ts";
import { endWord, type Order } from "./fanout/order.ts";
import { load, printMachine } from "./report.ts";
import { quantile } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    clients: { type: "string", default: "1,10,100,1000" },
    rounds: { type: "string", default: "3" },
    /** In one measurement, over all clients. */
    deliveries: { type: "string", default: "800000" },
    /** Of the measurements of latency, each. */
    seconds: { type: "string", default: "10" },
  },
});
const API_KEY = "key-of-the-benchmark";
const CHARS = 300;
/** Of the kernel's count of processor time: USER_HZ, which is 100 on every Linux. */
const TICK_MS = 10;
/** No round is shorter, for the ticks, nor longer, for the patience. */
const DELTAS = { least: 1000, most: 60_000 };

interface Way {
  readonly name: string;
  readonly server: Child;
  /** What a client asks for, and what it is sent when it is in. */
  client(sessionId: string): Pick<Extract<CrowdRequest, { open: number }>, "path" | "upgrade" | "ready">;
  /** Whether the server knows sessions. */
  readonly creates: boolean;
}

interface Measured {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly bytes: number;
}

async function post(server: Child, path: string, body: object): Promise<unknown> {
  const headers = { "x-api-key": API_KEY, "content-type": "application/json" };
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** A session, and who has it open. */
interface Scene {
  readonly way: Way;
  readonly crowd: Child;
  readonly sessionId: string;
}

/** A session with so many clients in it. */
async function openSession(way: Way, crowd: Child, clients: number): Promise<Scene> {
  const body = { agentProfileRef: "default", architecture: "claude-agent-sdk" };
  const created = way.creates ? await post(way.server, "/sessions/create", body) : { sessionId: "none" };
  const { sessionId } = created as { sessionId: string };
  await crowd.ask({ open: clients, port: way.server.port, key: API_KEY, ...way.client(sessionId) });
  return { way, crowd, sessionId };
}

async function closeSession({ way, crowd, sessionId }: Scene): Promise<void> {
  await crowd.ask({ close: true });
  if (!way.creates) return;
  const url = `http://127.0.0.1:${way.server.port}/sessions/${sessionId}`;
  await fetch(url, { method: "DELETE", headers: { "x-api-key": API_KEY } });
}

/** One turn, until its last delta is at every client. */
async function turn({ way, crowd, sessionId }: Scene, order: Order): Promise<{ ms: number; take: CrowdTake }> {
  await crowd.ask({ expect: endWord(order) });
  const from = now();
  await post(way.server, `/sessions/${sessionId}/message`, { content: JSON.stringify(order) });
  const take = (await crowd.ask({ wait: true })) as CrowdTake;
  return { ms: take.at - from, take };
}

async function measure(way: Way, crowd: Child, clients: number): Promise<Measured> {
  const scene = await openSession(way, crowd, clients);
  const deltas = Math.min(DELTAS.most, Math.max(DELTAS.least, Math.round(Number(values.deliveries) / clients)));
  await turn(scene, { deltas: Math.ceil(deltas / 4), chars: CHARS, end: "END-OF-WARM-UP" });
  const before = await cpuMs(way.server.pid);
  const { ms, take } = await turn(scene, { deltas, chars: CHARS, end: "END-OF-TURN" });
  const cpu = (await cpuMs(way.server.pid)) - before;
  await closeSession(scene);
  const deliveries = deltas * clients;
  return { perSecond: (deliveries / ms) * 1000, cpuMicros: (cpu * 1000) / deliveries, bytes: take.bytes / deliveries };
}

function median(found: readonly number[]): number {
  return quantile(
    found.toSorted((a, b) => a - b),
    0.5,
  );
}

async function measureThroughput(ways: readonly Way[], crowd: Child): Promise<void> {
  console.log(
    `deliveries of ${CHARS}-byte deltas, median of ${values.rounds} rounds${" ".repeat(8)}deliveries/s  CPU µs each  bytes each`,
  );
  for (const clients of values.clients.split(",").map(Number)) {
    const found = new Map<Way, Measured[]>(ways.map((way) => [way, []]));
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const way of ways) found.get(way)?.push(await measure(way, crowd, clients));
    }
    for (const [{ name }, rounds] of found) {
      const cells = [
        median(rounds.map((one) => one.perSecond)).toFixed(0),
        median(rounds.map((one) => one.cpuMicros)).toFixed(2),
        median(rounds.map((one) => one.bytes)).toFixed(0),
      ];
      console.log(
        `${String(clients).padStart(5)} clients  ${name.padEnd(40)}${cells.map((cell) => cell.padStart(12)).join("")}`,
      );
    }
  }
  console.log("");
}

async function measureLatency(ways: readonly Way[], crowd: Child): Promise<void> {
  console.log(`from the runner's write to the client, 1,000 deltas/s, ms${" ".repeat(8)}p50         p99         max`);
  for (const way of ways) {
    for (const clients of [1, 10]) {
      const scene = await openSession(way, crowd, clients);
      const order = { chars: CHARS, perSecond: 1000 };
      await turn(scene, { ...order, deltas: 2000, end: "END-OF-WARM-UP" });
      const { take } = await turn(scene, {
        ...order,
        deltas: Number(values.seconds) * 1000,
        end: "END-OF-TURN",
      });
      await closeSession(scene);
      const sorted = take.latencies.toSorted((a, b) => a - b);
      const cells = [0.5, 0.99, 1].map((share) => quantile(sorted, share).toFixed(2).padStart(12));
      console.log(`${String(clients).padStart(5)} clients  ${way.name.padEnd(40)}${cells.join("")}`);
    }
  }
  console.log("");
}

function runtimeWays(server: Child, store: string): Way[] {
  const ready = "session:created";
  return [
    {
      name: `runtime, WebSocket${store}`,
      server,
      creates: true,
      client: (id) => ({ path: `/ws?sessionId=${id}`, upgrade: true, ready }),
    },
    {
      name: `runtime, SSE${store}`,
      server,
      creates: true,
      client: (id) => ({ path: `/sessions/${id}/events`, upgrade: false, ready }),
    },
  ];
}

async function main(): Promise<void> {
  printMachine();
  const folder = await mkdtemp(join(tmpdir(), "agent-runtime-fanout-"));
  try {
    await using crowd = await startChild("./fanout/crowd.ts");
    await using runtime = await startChild("./fanout/runtime-server.ts", { args: [API_KEY] });
    await using stored = await startChild("./fanout/runtime-server.ts", { args: [API_KEY, join(folder, "bench.db")] });
    await using ws = await startChild("./fanout/bare-server.ts", { args: ["ws"] });
    await using io = await startChild("./fanout/bare-server.ts", { args: ["socket.io"] });
    const bare: Way = {
      name: "bare ws, corked, serialised once",
      server: ws,
      creates: false,
      client: () => ({ path: "/", upgrade: true, ready: '"ready"' }),
    };
    const path = "/socket.io/?EIO=4&transport=websocket";
    const socketIo: Way = {
      name: "Socket.IO",
      server: io,
      creates: false,
      client: () => ({ path, upgrade: true, ready: '40{"sid"' }),
    };
    await measureThroughput([...runtimeWays(runtime, ""), bare, socketIo], crowd);
    await measureLatency(
      [...runtimeWays(runtime, ", memory"), ...runtimeWays(stored, ", SQLite"), bare, socketIo],
      crowd,
    );
    console.log(`load average at the end ${load()}`);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

await main();
