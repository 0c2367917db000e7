/** Many clients in a process of their own, each of which proves that it missed nothing and got nothing twice. */
import { get, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { serveParent } from "../../bench/child.ts";
import type { FollowersAnswer, FollowersRequest } from "./follower-words.ts";

type Place = Extract<FollowersRequest, { open: number }>;
interface Line {
  close(): void;
  pause(): void;
  resume(): void;
}
interface Frame {
  readonly event: string;
  readonly seq: number;
  readonly from?: number;
  readonly block?: { readonly type: string; readonly content: string };
}

class Follower {
  readonly #place: Place;
  #line: Line | undefined;
  #turns = 0;
  #wanted = { turns: Number.POSITIVE_INFINITY, done: (): void => undefined };
  cursor = 0;
  chars = 0;
  fault: string | null = null;

  constructor(place: Place) {
    this.#place = place;
  }

  async open(): Promise<void> {
    const line = this.#place.transport === "sse" ? this.#sse() : this.#webSocket();
    // The kernel may refuse one of so many at once; who is refused comes again.
    this.#line = await line.catch(() => undefined);
    if (this.#line === undefined) await delay(100).then(() => this.open());
  }

  async #webSocket(): Promise<Line> {
    const { url, sessionId, key } = this.#place;
    const address = `${url.replace("http", "ws")}/ws?sessionId=${sessionId}&after=${this.cursor}`;
    const socket = new WebSocket(address, { headers: { "x-api-key": key }, perMessageDeflate: false });
    socket.on("message", (data: Buffer) => {
      const { data: payload, ...frame } = JSON.parse(data.toString()) as Frame & { data: Pick<Frame, "block"> };
      this.#take({ ...frame, ...payload });
    });
    socket.on("error", () => undefined);
    await once(socket, "open");
    return { close: () => socket.terminate(), pause: () => socket.pause(), resume: () => socket.resume() };
  }

  async #sse(): Promise<Line> {
    const { url, sessionId, key } = this.#place;
    const request = get(`${url}/sessions/${sessionId}/events?after=${this.cursor}`, {
      agent: false,
      headers: { "x-api-key": key },
    });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    let rest = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      const parts = (rest + chunk).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const event = /^event: (.*)$/m.exec(part)?.[1];
        const payload = /^data: (.*)$/m.exec(part)?.[1];
        if (event !== undefined && payload !== undefined)
          this.#take({ event, ...(JSON.parse(payload) as Omit<Frame, "event">) });
      }
    });
    response.on("error", () => undefined);
    return { close: () => request.destroy(), pause: () => response.pause(), resume: () => response.resume() };
  }

  #take({ event, seq, from, block }: Frame): void {
    if ((from ?? seq) !== this.cursor + 1) this.fault ??= `${event} ${from ?? ""}…${seq} after ${this.cursor}`;
    this.cursor = seq;
    if (event === "session:block:complete" && block?.type === "assistant_text") this.chars += block.content.length;
    if (event === "session:turn:completed") this.#turns += 1;
    if (this.#turns >= this.#wanted.turns) this.#wanted.done();
  }

  turns(count: number): Promise<void> {
    return new Promise((done) => {
      this.#wanted = { turns: count, done };
      if (this.#turns >= count) done();
    });
  }

  reconnect(): Promise<void> {
    this.close();
    return this.open();
  }

  close(): void {
    this.#line?.close();
  }

  pause(): void {
    this.#line?.pause();
  }

  resume(): void {
    this.#line?.resume();
  }
}

let followers: Follower[] = [];

async function answer(request: FollowersRequest): Promise<FollowersAnswer> {
  if ("open" in request) {
    followers = Array.from({ length: request.open }, () => new Follower(request));
    await Promise.all(followers.map((follower) => follower.open()));
  }
  if ("reconnect" in request) await Promise.all(followers.map((follower) => follower.reconnect()));
  if ("pause" in request) for (const follower of followers) follower.pause();
  if ("resume" in request) for (const follower of followers) follower.resume();
  if ("turns" in request) await Promise.all(followers.map((follower) => follower.turns(request.turns)));
  if ("close" in request) for (const follower of followers) follower.close();
  return { followers: followers.map(({ cursor, chars, fault }) => ({ cursor, chars, fault })) };
}

process.on("message", (request: FollowersRequest) => {
  answer(request).then(
    (said) => process.send?.(said),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
serveParent(0, async () => undefined);
