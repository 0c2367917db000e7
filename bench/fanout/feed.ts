/**
 * Stands where a runner stands, with nothing behind it: speaks the runner's wire on the socket that it is given, and
 * says the deltas that a message orders. It keeps no journal, so it is good for one connection.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import {
  createLineSplitter,
  encodeLine,
  manifestText,
  NO_USAGE,
  WIRE_VERSION,
  type CommandBody,
  type EntryBody,
  type RunnerFrame,
  type ToRunnerFrame,
} from "@hhopkins/agent-runtime-protocol";
import { createHash } from "node:crypto";
import { endWord, type Order } from "./order.ts";

const [path = "", generation = "1"] = process.argv.slice(2);
const socket = connect({ path });
const lines = createLineSplitter();
let last = 0;

function tell(frame: RunnerFrame): void {
  socket.write(encodeLine(frame));
}

function entry(body: EntryBody): string {
  last += 1;
  return encodeLine({ type: "entry", n: last, body });
}

function onFrame(frame: ToRunnerFrame): void {
  if (frame.type === "ping") tell({ type: "pong", id: frame.id });
  if (frame.type !== "command") return;
  const { id, command } = frame;
  tell({ type: "reply", id, ok: true, data: answer(command) });
  if (command.kind === "message") {
    const [message] = command.messages;
    void turn(command.turnId, JSON.parse(message?.content ?? "") as Order);
  }
}

function answer(command: CommandBody): unknown {
  if (command.kind !== "sync" && command.kind !== "prepare-end") return undefined;
  return { last, count: 0, manifest: createHash("sha256").update(manifestText([])).digest("hex") };
}

async function turn(turnId: string, order: Order): Promise<void> {
  const say = speaker(turnId, order);
  if (order.perSecond === undefined) await atFullSpeed(order, say);
  else await inTime(order, order.perSecond, say);
  socket.write(entry({ kind: "turn:ended", turnId, status: "completed", usage: NO_USAGE, costUSD: 0 }));
}

/** Gives the lines of each delta, with those that begin and end the block around it. */
function speaker(turnId: string, { deltas, blockDeltas }: Order): (text: string, index: number) => string {
  const size = blockDeltas ?? deltas;
  const place = { conversationId: "main" };
  let content = "";
  return (delta, index) => {
    const blockId = `feed:${turnId}:${Math.floor(index / size)}`;
    const block = { type: "assistant_text" as const, id: blockId, timestamp: new Date().toISOString(), content: "" };
    const isFirst = index % size === 0;
    content = blockDeltas === undefined ? "" : (isFirst ? "" : content) + delta;
    const start = isFirst ? entry({ kind: "block:start", ...place, block }) : "";
    const middle = entry({ kind: "block:delta", ...place, blockId, delta });
    const isLast = index % size === size - 1 || index === deltas - 1;
    return start + middle + (isLast ? entry({ kind: "block:complete", ...place, block: { ...block, content } }) : "");
  };
}

type Say = ReturnType<typeof speaker>;

/** The slice of an order's text that a delta says; undefined where the order has none. */
function sliceOf({ text, chars }: Order, index: number): string | undefined {
  if (text === undefined) return undefined;
  const from = (index * chars) % text.length;
  return text.slice(from, from + chars);
}

async function atFullSpeed(order: Order, say: Say): Promise<void> {
  const letters = "x".repeat(order.chars);
  const final = endWord(order).padStart(order.chars, ".");
  for (let said = 0; said < order.deltas;) {
    let page = "";
    for (let count = 0; count < 64 && said < order.deltas; count++, said++) {
      page += say(said + 1 === order.deltas ? final : (sliceOf(order, said) ?? letters), said);
    }
    if (!socket.write(page)) await once(socket, "drain");
  }
}

async function inTime(order: Order, perSecond: number, say: Say): Promise<void> {
  const from = performance.now();
  for (let said = 0; said < order.deltas;) {
    const due = Math.min(order.deltas, Math.floor(((performance.now() - from) * perSecond) / 1000));
    for (; said < due; said++) {
      const text = sliceOf(order, said) ?? `@${process.hrtime.bigint()};`;
      const end = said + 1 === order.deltas ? endWord(order) : "";
      socket.write(say(`${text}${end}`.padEnd(order.chars, "x"), said));
    }
    await delay(1);
  }
}

socket.on("data", (chunk: Buffer) => {
  for (const line of lines.push(chunk)) onFrame(JSON.parse(line) as ToRunnerFrame);
});
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(0));
tell({ type: "hello", version: WIRE_VERSION, generation: Number(generation), first: 1, last: 0, fence: 0 });
