import { ClientFrame, fromZodError, RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { RawData, WebSocket } from "ws";
import type { Principal } from "../../auth/principal.ts";
import type { SessionService } from "../../session/service.ts";
import type { TransportLog } from "../transport-log.ts";
import { runFrame } from "./frame-commands.ts";
import { Joins } from "./joins.ts";
import type { Outbox } from "./outbox.ts";

export interface ConnectionParts {
  readonly service: SessionService;
  readonly principal: Principal;
  readonly webSocket: WebSocket;
  readonly outbox: Outbox;
  readonly messageBytes: number;
  readonly log: TransportLog;
}

/** A join as an address says it; null where it does not. */
interface AddressedJoin {
  readonly sessionId: string;
  readonly after: string | null;
  readonly logId: string | null;
  readonly conversation: string | null;
}

/** Frames of one client that may wait for their turn; with more, nothing is read from it. */
const MAX_WAITING_FRAMES = 64;

/** One client: its frames are taken in order, one at a time, and nothing in them can throw out of here. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #joins: Joins;
  #waiting: (() => Promise<void>)[] = [];
  #working = false;
  #unwatch: (() => void) | undefined;
  #answered = true;

  constructor(parts: ConnectionParts) {
    const { webSocket } = parts;
    this.#parts = parts;
    this.#joins = new Joins(parts);
    webSocket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    webSocket.on("pong", () => this.#heard());
    webSocket.on("ping", (data) => {
      this.#heard();
      // Who pings without reading gets no more answers than its buffer holds.
      if (!parts.outbox.isFull && parts.outbox.isOpen) webSocket.pong(data, undefined, () => {});
    });
    // The library closes the connection itself, with the code of RFC 6455.
    webSocket.on("error", () => {});
    webSocket.on("close", () => this.#end());
  }

  /** Joins as the address of the upgrade says. */
  joinAtOnce(data: AddressedJoin): void {
    this.#enqueue(() => this.#run({ event: "session:join", data: compact(data) }));
  }

  /** Pings; ends a connection that has not answered the last one. */
  beat(): void {
    const { webSocket, outbox } = this.#parts;
    if (!this.#answered) return webSocket.terminate();
    this.#answered = false;
    if (outbox.isOpen) webSocket.ping(undefined, undefined, () => {});
  }

  close(code: number, reason: string): void {
    this.#joins.stop();
    this.#parts.webSocket.close(code, reason);
  }

  #heard(): void {
    this.#answered = true;
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#heard();
    if (isBinary) return this.close(1003, "text frames only");
    const text = Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data as Buffer).toString();
    this.#enqueue(() => this.#run(parseJson(text)));
  }

  #enqueue(work: () => Promise<void>): void {
    this.#waiting.push(work);
    if (this.#waiting.length >= MAX_WAITING_FRAMES) this.#parts.webSocket.pause();
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await next();
      await this.#parts.outbox.room();
      if (this.#parts.webSocket.isPaused && this.#waiting.length < MAX_WAITING_FRAMES / 2)
        this.#parts.webSocket.resume();
    }
    this.#working = false;
  }

  async #run(value: unknown): Promise<void> {
    const id = frameId(value);
    try {
      const parsed = ClientFrame.safeParse(value);
      if (value === NOT_JSON) throw new RuntimeError("invalid_request", "frame: is not valid JSON", { field: "frame" });
      if (!parsed.success) throw fromZodError(parsed.error, "frame");
      await runFrame(parsed.data, {
        ...this.#parts,
        joins: this.#joins,
        watch: () => this.#watch(),
        reply: (data) => this.#reply(id, parsed.data.event, data),
      });
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  #reply(id: string | number | undefined, event: ClientFrame["event"], data: object): void {
    if (id !== undefined) this.#parts.outbox.json({ ack: id, data: { success: true, ...data } });
    else if (event === "ping") this.#parts.outbox.json({ event: "pong", data: {} });
  }

  #refuse(id: string | number | undefined, error: unknown): void {
    const { code, message, cause } = toRuntimeError(error);
    if (code === "internal") this.#parts.log.error({ err: cause ?? error }, "A frame failed");
    const shown = code === "internal" ? "See the server's log." : message;
    if (id === undefined) this.#parts.outbox.json({ event: "error", data: { code, message: shown } });
    else this.#parts.outbox.json({ ack: id, data: { success: false, error: code, message: shown } });
  }

  #watch(): void {
    const { service, principal, outbox } = this.#parts;
    if (!outbox.isOpen) return;
    this.#unwatch ??= service.watch(principal, ({ event, ...data }) => {
      // Best effort: a client that does not read misses some.
      if (!outbox.isFull) outbox.json({ event, data });
    });
  }

  #end(): void {
    this.#waiting = [];
    this.#joins.stop();
    this.#unwatch?.();
    this.#unwatch = undefined;
  }
}

const NOT_JSON = Symbol("not JSON");

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}

/** The id to answer to, also of a frame that is otherwise wrong. */
function frameId(value: unknown): string | number | undefined {
  if (typeof value !== "object" || value === null || !("id" in value)) return undefined;
  const { id } = value;
  return typeof id === "number" || (typeof id === "string" && id.length <= 128) ? id : undefined;
}

/** Query parameters as the data of a join; what is no number stays as it is and is refused there. */
function compact({ sessionId, after, logId, conversation }: AddressedJoin): object {
  return {
    sessionId,
    ...(conversation === null ? {} : { conversation }),
    ...(after === null ? {} : { after: /^\d+$/.test(after) ? Number(after) : after }),
    ...(logId === null ? {} : { logId }),
  };
}
