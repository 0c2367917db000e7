import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Address, Counts } from "./counts.ts";

export interface VisitorOptions {
  readonly address: Address;
  readonly counts: Counts;
  readonly key: string;
  readonly signal: AbortSignal;
  /** A session to look at next. */
  readonly choose: () => string;
  /** Told of each turn how it ended: its status, and the code of its error. */
  readonly onTurn?: (turn: { messageIds: string[]; end: string }) => void;
}

interface Frame {
  readonly event?: string;
  readonly seq?: number;
  readonly from?: number;
  readonly data: { messageIds?: string[]; status?: string; error?: { code: string } };
}

/** Looks at one session after another: comes, is cut off, comes back by its cursor a few times, goes. */
export async function visit(options: VisitorOptions): Promise<void> {
  while (!options.signal.aborted) {
    const visited = { sessionId: options.choose(), cursor: 0 };
    for (let visits = 0; visits < 4 && !options.signal.aborted; visits++) {
      const came = await look(options, visited, 2000 + Math.random() * 6000);
      if (came && visits > 0) options.counts.reconnects += 1;
      if (!came) await delay(200);
    }
  }
}

/** Follows a session until the signal fires, coming back as often as need be. */
export async function watch(options: VisitorOptions, sessionId: string): Promise<void> {
  const watched = { sessionId, cursor: 0 };
  for (let come = 0; !options.signal.aborted;) {
    const came = await look(options, watched, 3_600_000);
    if (came && come++ > 0) options.counts.reconnects += 1;
    if (!came) await delay(200);
  }
}

/** Follows for so long, or until the connection ends. False: the server was not there. */
async function look(options: VisitorOptions, at: { sessionId: string; cursor: number }, ms: number): Promise<boolean> {
  const { address, counts, key } = options;
  const url = `${address.url.replace("http", "ws")}/ws?sessionId=${at.sessionId}&after=${at.cursor}`;
  const socket = new WebSocket(url, { headers: { "x-api-key": key } });
  const closed = new Promise((resolve) => socket.once("close", resolve));
  let opened = false;
  socket.on("open", () => (opened = true));
  socket.on("error", () => undefined);
  socket.on("message", (data: Buffer) => {
    const { event, seq, from, data: payload } = JSON.parse(data.toString()) as Frame;
    if (event === "session:resync") counts.faults.push(`${at.sessionId}: resync after ${at.cursor}`);
    if (seq === undefined) return;
    if ((from ?? seq) !== at.cursor + 1) counts.faults.push(`${at.sessionId}: ${from ?? seq} after ${at.cursor}`);
    at.cursor = seq;
    counts.events += 1;
    if (event !== "session:turn:completed") return;
    const { messageIds = [], status = "", error } = payload;
    options.onTurn?.({ messageIds, end: [status, error?.code ?? ""].join(" ").trim() });
  });
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, options.signal]);
  await Promise.race([closed, delay(ms, undefined, { signal }).catch(() => undefined)]);
  over.abort();
  socket.terminate();
  await closed;
  return opened;
}
