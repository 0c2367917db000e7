/**
 * What the runtime's figures stand beside: the same feed, each delta serialised once and sent to every client, with
 * nothing kept, numbered or checked. Argument: `ws`, corked for each tick, or `socket.io`. The feed is not read on
 * while a client has more than a megabyte to take.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  createLineSplitter,
  encodeLine,
  WIRE_VERSION,
  type RunnerFrame,
  type ToRunnerFrame,
} from "@hhopkins/agent-runtime-protocol";
import { Server } from "socket.io";
import { WebSocketServer, type WebSocket } from "ws";
import { serveParent } from "../child.ts";
import { startFeed, type FeedProcess } from "./feed-process.ts";

interface Fan {
  send(frame: { event: string; data: object; seq: number; at: string }): void;
  /** Bytes that wait for the slowest client. */
  waiting(): number;
}

const FULL_BYTES = 1024 * 1024;
/** About what a delta of the benchmark takes. */
const FRAME_BYTES = 500;
const server = createServer();
const fan = process.argv[2] === "socket.io" ? socketIoFan() : corkedFan();
let turns = 0;
let stream: Socket | undefined;
let feed: FeedProcess | undefined;

function corkedFan(): Fan {
  const clients = new Map<WebSocket, Duplex>();
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    webSockets.handleUpgrade(request, socket, head, (client) => {
      clients.set(client, socket);
      client.on("close", () => clients.delete(client));
      client.on("error", () => undefined);
      client.send('"ready"');
    });
  });
  let corked = false;
  return {
    send(frame) {
      if (!corked) {
        corked = true;
        for (const socket of clients.values()) socket.cork();
        process.nextTick(() => {
          corked = false;
          for (const socket of clients.values()) socket.uncork();
        });
      }
      const text = JSON.stringify(frame);
      for (const client of clients.keys()) client.send(text);
    },
    waiting: () => Math.max(0, ...[...clients.keys()].map((client) => client.bufferedAmount)),
  };
}

function socketIoFan(): Fan {
  const io = new Server(server, { transports: ["websocket"], pingInterval: 300_000, perMessageDeflate: false });
  /** How many frames were sent, and how many of them when a client last had none waiting. */
  let sent = 0;
  const drained = new Map<string, number>();
  io.on("connection", ({ id, conn }) => {
    drained.set(id, sent);
    conn.on("drain", () => drained.set(id, sent));
    conn.on("close", () => drained.delete(id));
  });
  return {
    send({ event, ...frame }) {
      io.emit(event, frame);
      sent += 1;
    },
    waiting: () => (sent - Math.min(sent, ...drained.values())) * FRAME_BYTES,
  };
}

function onFrame(frame: RunnerFrame): void {
  if (frame.type === "hello") tell({ type: "attach", version: WIRE_VERSION, generation: 1, fence: 1, after: 0 });
  if (frame.type !== "entry" || frame.body.kind !== "block:delta") return;
  const { kind: _kind, ...data } = frame.body;
  const event = "session:block:delta";
  fan.send({
    event,
    data: { sessionId: "0198c0de-0000-7000-8000-000000000000", ...data },
    seq: frame.n,
    at: new Date().toISOString(),
  });
}

function tell(frame: ToRunnerFrame): void {
  stream?.write(encodeLine(frame));
}

function readOn(from: Socket): void {
  if (fan.waiting() > FULL_BYTES) setTimeout(() => readOn(from), 1);
  else from.resume();
}

async function start(): Promise<void> {
  const lines = createLineSplitter();
  const connected = Promise.withResolvers<void>();
  feed = await startFeed("1", (socket) => {
    stream = socket;
    socket.on("data", (chunk: Buffer) => {
      for (const line of lines.push(chunk)) onFrame(JSON.parse(line) as RunnerFrame);
      connected.resolve();
      if (fan.waiting() <= FULL_BYTES) return;
      socket.pause();
      readOn(socket);
    });
  });
  await connected.promise;
}

server.on("request", (request, response) => {
  if (request.method !== "POST" || !request.url?.endsWith("/message")) return;
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk: string) => (body += chunk));
  request.on("end", () => {
    const { content } = JSON.parse(body) as { content: string };
    turns += 1;
    const messages = [{ messageId: `m${turns}`, content }];
    tell({ type: "command", id: `c${turns}`, fence: 1, command: { kind: "message", turnId: `t${turns}`, messages } });
    response.writeHead(202).end("{}");
  });
});
await start();
server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () => {
  serveParent((server.address() as AddressInfo).port, async () => feed?.end());
});
