import { join } from "node:path";
import { WIRE_VERSION } from "@hhopkins/agent-runtime-protocol";
import type { CommandBody, RunnerFrame } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { Journal } from "../journal/journal.ts";
import type { Log } from "../log.ts";
import { stateFile } from "../state-file.ts";
import { openConnection } from "./connection.ts";
import type { AttachFrame, CommandFrame, Connection, ConnectionHost, Refusal } from "./connection.ts";
import { startDialer } from "./dialer.ts";

export type ReplyFrame = Extract<RunnerFrame, { type: "reply" }>;

export interface LinkOptions {
  readonly socket: string;
  readonly state: string;
  readonly generation: number;
  readonly journal: Journal;
  readonly log: Log;
  /** Takes a command; the promise, where there is one, asks the sender to wait. */
  readonly onCommand: (id: string, command: CommandBody) => Promise<void> | null;
  readonly onAttached: () => void;
  readonly onDetached: () => void;
  /** Another server has taken over, while what streams through the gateway of the one before may hang. */
  readonly onTakenOver: () => void;
  /** The runner was told that it ends; whoever connects learns it. */
  readonly isEnding: () => boolean;
}

/** The runner's side of the wire: dials the server, proves who may attach, sends entries and replies. */
export interface Link {
  readonly attached: boolean;
  /** Sends to the attached server; without one it is dropped, for the same command comes again. */
  reply(frame: ReplyFrame): void;
  stop(): Promise<void>;
}

export function startLink(options: LinkOptions): Link {
  const { journal, log, generation } = options;
  const fenceFile = stateFile(join(options.state, "fence.json"), z.number().int().nonnegative());
  let fence = fenceFile.read() ?? 0;
  let current: Connection | null = null;
  /** Of the server that is attached, or was last. */
  let gatewayOutlives = false;
  const open = new Set<Connection>();

  function raiseFence(to: number): void {
    if (to <= fence) return;
    fence = to;
    try {
      fenceFile.write(to);
    } catch (error) {
      // A full disk must not keep away the server that would make room on it.
      log("link: cannot keep the fence", error);
    }
  }

  function staleness(of: number): Refusal | null {
    if (of >= fence) return null;
    return { code: "stale_fence", message: `The fence ${of} is older than ${fence}, which was seen.` };
  }

  function attachProblem(frame: AttachFrame): Refusal | null {
    if (frame.version !== WIRE_VERSION) {
      return {
        code: "protocol_error",
        message: `The runner speaks version ${WIRE_VERSION} of the wire, not ${frame.version}.`,
      };
    }
    if (frame.generation !== generation) {
      return { code: "protocol_error", message: `This is generation ${generation}, not ${frame.generation}.` };
    }
    const stale = staleness(frame.fence);
    if (stale !== null) return stale;
    if (frame.after > journal.last || frame.after < journal.first - 1) {
      const kept = `${journal.first} to ${journal.last}`;
      return { code: "protocol_error", message: `Cannot send what follows ${frame.after}: the journal has ${kept}.` };
    }
    return null;
  }

  const host: ConnectionHost = {
    journal,
    log,
    hello: () => ({
      type: "hello",
      version: WIRE_VERSION,
      generation,
      first: journal.first,
      last: journal.last,
      fence,
      ...(options.isEnding() ? { ending: true } : {}),
    }),
    attach(frame, connection) {
      const problem = attachProblem(frame);
      if (problem !== null) return problem;
      const takenOver = fence > 0 && frame.fence > fence && !gatewayOutlives;
      raiseFence(frame.fence);
      gatewayOutlives = frame.gatewayOutlives ?? false;
      const older = current;
      current = connection;
      older?.refuse({ code: "replaced", message: "Another connection took over." });
      log("link: attached", { fence: frame.fence, after: frame.after });
      options.onAttached();
      if (takenOver) options.onTakenOver();
      return null;
    },
    command(frame: CommandFrame) {
      const refusal = staleness(frame.fence);
      if (refusal !== null) return { refusal, room: null };
      raiseFence(frame.fence);
      return { refusal: null, room: options.onCommand(frame.id, frame.command) };
    },
    closed(connection) {
      open.delete(connection);
      if (current !== connection) return;
      current = null;
      log("link: detached");
      options.onDetached();
    },
  };

  const dialer = startDialer({
    path: options.socket,
    onSocket(socket) {
      const connection = openConnection(socket, host);
      open.add(connection);
      return connection.closed;
    },
  });

  return {
    get attached() {
      return current !== null;
    },
    reply(frame) {
      current?.send(frame);
    },
    async stop() {
      dialer.stop();
      for (const connection of open) connection.refuse({ code: "ending", message: "The runner stops." });
      await Promise.all([...open].map((connection) => connection.closed));
    },
  };
}
