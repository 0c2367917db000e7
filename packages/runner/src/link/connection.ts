import { once } from "node:events";
import type { Socket } from "node:net";
import {
  RuntimeError,
  ToRunnerFrame,
  createLineSplitter,
  encodeLine,
  fromZodError,
  toRuntimeError,
} from "@hhopkins/agent-runtime-protocol";
import type { RunnerFrame } from "@hhopkins/agent-runtime-protocol";
import type { Journal } from "../journal/journal.ts";
import type { Log } from "../log.ts";
import { watchSilence } from "./silence.ts";

export type AttachFrame = Extract<ToRunnerFrame, { type: "attach" }>;
export type CommandFrame = Extract<ToRunnerFrame, { type: "command" }>;
export type Refusal = Omit<Extract<RunnerFrame, { type: "refused" }>, "type">;

/** What a connection asks the link. */
export interface ConnectionHost {
  readonly journal: Journal;
  readonly log: Log;
  hello(): RunnerFrame;
  /** null: this connection is now the attached one. */
  attach(frame: AttachFrame, connection: Connection): Refusal | null;
  /** Takes a command of the attached connection; `waiting` resolves when more may be read. */
  command(frame: CommandFrame): { refusal: Refusal | null; room: Promise<void> | null };
  closed(connection: Connection): void;
}

/** One stream to a server, from hello to its end. */
export interface Connection {
  send(frame: RunnerFrame): void;
  /** Says why and closes. */
  refuse(refusal: Refusal): void;
  readonly closed: Promise<void>;
}

const ATTACH_DEADLINE_MS = 30_000;

export function openConnection(socket: Socket, host: ConnectionHost): Connection {
  const { journal, log } = host;
  const splitter = createLineSplitter();
  const ended = new AbortController();
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  let attached = false;
  let refused = false;
  let silence: { heard(): void; stop(): void } | undefined;
  const deadline = setTimeout(() => socket.destroy(), ATTACH_DEADLINE_MS);

  const connection: Connection = {
    send(frame) {
      if (!refused && socket.writable) socket.write(encodeLine(frame));
    },
    refuse(refusal) {
      if (refused) return;
      log("link: connection refused", refusal);
      if (socket.writable) socket.end(encodeLine({ type: "refused", ...refusal }));
      refused = true;
      ended.abort();
      // A peer that does not read must not hold the socket.
      setTimeout(() => socket.destroy(), 1_000).unref();
    },
    closed,
  };

  function take(line: string): void {
    const frame = parseFrame(line);
    if (frame.type === "ping") return connection.send({ type: "pong", id: frame.id });
    if (frame.type === "attach") return attach(frame);
    if (!attached) throw new RuntimeError("protocol_error", `Expected attach, got ${frame.type}.`);
    if (frame.type === "ack") return ack(frame.n);
    const { refusal, room } = host.command(frame);
    if (refusal !== null) return connection.refuse(refusal);
    if (room !== null) {
      socket.pause();
      void room.then(() => {
        // While nothing was read nothing could be heard.
        silence?.heard();
        socket.resume();
      });
    }
  }

  function attach(frame: AttachFrame): void {
    if (attached) throw new RuntimeError("protocol_error", "Attached twice on one connection.");
    const refusal = host.attach(frame, connection);
    if (refusal !== null) return connection.refuse(refusal);
    clearTimeout(deadline);
    attached = true;
    if (frame.silenceMs !== undefined) silence = watchSilence(socket, frame.silenceMs, log);
    journal.ackTo(frame.after);
    sendEntries(frame.after).catch((error: unknown) => {
      if (!ended.signal.aborted) log("link: cannot send entries", error);
      socket.destroy();
    });
  }

  function ack(n: number): void {
    if (n > journal.last)
      throw new RuntimeError("protocol_error", `Acknowledged ${n}, the last entry is ${journal.last}.`);
    journal.ackTo(n);
  }

  /** Follows the journal at the pace of the socket. */
  async function sendEntries(after: number): Promise<void> {
    const { signal } = ended;
    const appended = createSignal();
    const stop = journal.onAppend(appended.raise);
    signal.addEventListener("abort", appended.raise);
    try {
      let cursor = after;
      while (!signal.aborted) {
        const batch = await journal.read(cursor);
        if (signal.aborted) return;
        if (batch === null) {
          await appended.raised();
          continue;
        }
        cursor = batch.last;
        if (!socket.write(batch.data)) await once(socket, "drain", { signal });
      }
    } finally {
      stop();
    }
  }

  socket.on("data", (chunk: Buffer) => {
    if (refused) return;
    silence?.heard();
    try {
      for (const line of splitter.push(chunk)) {
        if (refused) return;
        take(line);
      }
    } catch (error) {
      const { message } = toRuntimeError(error);
      connection.refuse({ code: "protocol_error", message: message.slice(0, 500) });
    }
  });
  socket.on("error", (error) => log("link: connection failed", error.message));
  socket.on("close", () => {
    clearTimeout(deadline);
    silence?.stop();
    ended.abort();
    host.closed(connection);
    resolve();
  });
  connection.send(host.hello());
  return connection;
}

function parseFrame(line: string): ToRunnerFrame {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new RuntimeError("protocol_error", "A line is not JSON.", { cause: error });
  }
  const parsed = ToRunnerFrame.safeParse(value);
  if (!parsed.success) throw fromZodError(parsed.error, "frame", "protocol_error");
  return parsed.data;
}

/** A flag that one reader waits for: raised before or while it waits, never lost. */
function createSignal(): { raise: () => void; raised(): Promise<void> } {
  let isRaised = false;
  let wake: (() => void) | null = null;
  return {
    raise() {
      isRaised = true;
      wake?.();
    },
    async raised() {
      if (!isRaised) await new Promise<void>((resolve) => (wake = resolve));
      isRaised = false;
      wake = null;
    },
  };
}
