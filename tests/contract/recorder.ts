import type { EventData, EventType, SessionEvent } from "@hhopkins/agent-runtime";
import { once } from "node:events";
import { vi } from "vitest";
import { WebSocket } from "ws";

interface Frame {
  readonly event?: string;
  readonly ack?: unknown;
  readonly data: Record<string, unknown>;
  readonly seq?: number;
  readonly at?: string;
}

/** Milliseconds; a test that waits longer has failed. */
const WAIT = { timeout: 60_000, interval: 10 };

type Recorded<T extends EventType> = SessionEvent & { type: T; data: EventData<T> };

/** Follows a session over a WebSocket of its own and keeps every frame. */
export class Recorder {
  readonly frames: Frame[] = [];
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.frames.push(JSON.parse(data.toString("utf8")) as Frame));
  }

  static async follow(wsUrl: string, sessionId: string, key: string): Promise<Recorder> {
    const socket = new WebSocket(wsUrl, { headers: { "x-api-key": key } });
    const recorder = new Recorder(socket);
    await once(socket, "open");
    recorder.send({ id: "join", event: "session:join", data: { sessionId } });
    const joined = await vi.waitUntil(() => recorder.frames.find((frame) => frame.ack === "join"), WAIT);
    if (joined.data["success"] !== true) throw new Error(`join was refused: ${JSON.stringify(joined.data)}`);
    return recorder;
  }

  /** Keeps what is told of the list. */
  static async watch(wsUrl: string, key: string): Promise<Recorder> {
    const socket = new WebSocket(wsUrl, { headers: { "x-api-key": key } });
    const recorder = new Recorder(socket);
    await once(socket, "open");
    recorder.send({ id: "watch", event: "sessions:watch" });
    await vi.waitUntil(() => recorder.frames.some((frame) => frame.ack === "watch"), WAIT);
    return recorder;
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** The log's events of a type, so far. */
  of<T extends EventType>(type: T): Recorded<T>[] {
    return this.frames.flatMap((frame) =>
      frame.seq !== undefined && frame.event === type
        ? [{ type, seq: frame.seq, at: frame.at, data: frame.data } as unknown as Recorded<T>]
        : [],
    );
  }

  /** Resolves with the first event of the type that `matches`, which may have come already. */
  async seen<T extends EventType>(
    type: T,
    matches: (data: EventData<T>) => boolean = () => true,
  ): Promise<EventData<T>> {
    const find = (): Recorded<T> | undefined => this.of(type).find(({ data }) => matches(data as EventData<T>));
    const found = await vi.waitUntil(find, WAIT);
    return found.data;
  }

  /** Waits for the end of the turn that took this message. */
  turnOf(messageId: string): Promise<EventData<"session:turn:completed">> {
    return this.seen("session:turn:completed", (data) => data.messageIds.includes(messageId));
  }

  close(): void {
    this.#socket.terminate();
  }
}
