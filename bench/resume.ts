/**
 * How soon a client goes on after a crash: the server is killed while turns run, tools end in the sandboxes meanwhile, a
 * new server starts, and each client comes back by its cursor as soon as that one listens.
 *   npm run bench -- resume --rounds 10 --sessions 3
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { script } from "@hhopkins/agent-runtime-testkit";
import { WebSocket } from "ws";
import { startChild, type Child } from "./child.ts";
import { now } from "./clock.ts";
import { load, printMachine, printTable } from "./report.ts";
import { connectRuntime } from "./runtime-client.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "10" }, sessions: { type: "string", default: "3" } },
});
const API_KEY = "key-of-the-benchmark";
const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
/** The server is away for longer than the tool takes. */
const TOOL_SECONDS = 1;
const AWAY_MS = 1500;

interface Frame {
  readonly event?: string;
  readonly seq?: number;
  readonly data: { readonly block?: { readonly type: string } };
}

/** Follows from a cursor on until `until` says that it has come to the end; when each frame came. */
async function follow(
  at: { port: number; sessionId: string; after: number },
  until: (frame: Frame) => boolean,
): Promise<{ frame: Frame; at: number }[]> {
  const query = `sessionId=${at.sessionId}&after=${at.after}`;
  const socket = new WebSocket(`ws://127.0.0.1:${at.port}/ws?${query}`, { headers });
  const seen: { frame: Frame; at: number }[] = [];
  const over = Promise.withResolvers<void>();
  socket.on("message", (data: Buffer) => {
    const frame = JSON.parse(data.toString()) as Frame;
    if (frame.seq === undefined) return;
    seen.push({ frame, at: now() });
    if (until(frame)) over.resolve();
  });
  socket.on("error", over.reject);
  socket.on("close", () => over.reject(new Error("the WebSocket was closed")));
  try {
    await over.promise;
    return seen;
  } finally {
    socket.off("close", over.reject);
    socket.terminate();
  }
}

const isResult = ({ event, data }: Frame): boolean =>
  event === "session:block:complete" && data.block?.type === "tool_result";
const isEnd = ({ event }: Frame): boolean => event === "session:turn:completed";

async function send(server: Child, sessionId: string, content: string): Promise<void> {
  const body = JSON.stringify({ content });
  const response = await fetch(`http://127.0.0.1:${server.port}/sessions/${sessionId}/message`, {
    method: "POST",
    headers,
    body,
  });
  if (!response.ok) throw new Error(`message: ${response.status} ${await response.text()}`);
}

async function kill(server: Child): Promise<void> {
  process.kill(server.pid, "SIGKILL");
  await server[Symbol.asyncDispose]();
}

interface Resumed {
  readonly first: number;
  readonly result: number;
  readonly end: number;
}

async function resumed(from: { port: number; sessionId: string; after: number; since: number }): Promise<Resumed> {
  const seen = await follow(from, isEnd);
  const when = (wanted: (frame: Frame) => boolean): number =>
    (seen.find(({ frame }) => wanted(frame))?.at ?? Number.NaN) - from.since;
  return { first: when(() => true), result: when(isResult), end: when(isEnd) };
}

printMachine();
const folder = await mkdtemp(join(tmpdir(), "agent-runtime-bench-"));
try {
  await using model = await startChild("./model-process.ts");
  const args = [`http://127.0.0.1:${model.port}`, join(folder, "data"), API_KEY];
  let server = await startChild("./server-process.ts", { args });
  const client = connectRuntime(server.port, API_KEY);
  const sessions = await Promise.all(
    Array.from({ length: Number(values.sessions) }, async () => ({ ...(await client.create()), after: 0 })),
  );
  const tool = { name: "Bash", input: { command: `sleep ${TOOL_SECONDS}; echo done`, description: "Waits" } };
  const content = `Wait. ${script([{ tools: [tool] }, { text: "Done." }])}`;
  const found: Resumed[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    await Promise.all(
      sessions.map(async (session) => {
        const { port } = server;
        const running = follow({ port, ...session }, ({ event, data }) => {
          return event === "session:block:complete" && data.block?.type === "tool_use";
        });
        await send(server, session.sessionId, content);
        session.after = (await running).at(-1)?.frame.seq ?? session.after;
      }),
    );
    await kill(server);
    await delay(AWAY_MS);
    server = await startChild("./server-process.ts", { args });
    const since = now();
    const { port } = server;
    found.push(...(await Promise.all(sessions.map((session) => resumed({ port, ...session, since })))));
    for (const session of sessions) {
      const response = await fetch(`http://127.0.0.1:${port}/sessions/${session.sessionId}`, { headers });
      session.after = ((await response.json()) as { lastSeq: number }).lastSeq;
    }
  }
  printTable("server listens → at the client, ms", [
    ["first missed event", found.map(({ first }) => first)],
    ["the result of the tool that ended meanwhile", found.map(({ result }) => result)],
    ["the turn's end", found.map(({ end }) => end)],
  ]);
  console.log(`load average at the end ${load()}`);
  await server[Symbol.asyncDispose]();
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
