import type { Duplex } from "node:stream";
import type { Logger } from "../logger.ts";
import type { Sandbox } from "../sandbox/port.ts";
import { greet } from "./runner-greeting.ts";

/** Where a sandbox's runner comes in. One at a time listens there; who does so next gets the streams from then on. */
export interface RunnerDoor {
  listen(onStream: (stream: Duplex) => void): void;
  close(): Promise<void>;
}

/** Lets in only who says hello as the runner of this generation. */
export async function openRunnerDoor(
  sandbox: Sandbox,
  { generation, log }: { generation: number; log: Logger },
): Promise<RunnerDoor> {
  const waiting: Duplex[] = [];
  let onStream: ((stream: Duplex) => void) | undefined;
  const pass = (stream: Duplex): void => {
    if (onStream === undefined) {
      // Nobody else takes its errors meanwhile.
      stream.on("error", (error) => log.debug({ err: error }, "runner stream failed before anybody listened"));
      waiting.push(stream);
      return;
    }
    onStream(stream);
    stream.resume();
  };
  const accepted = await sandbox.accept("runner", (stream) => greet(stream, { generation, log, onGreeted: pass }));
  return {
    listen(next) {
      onStream = next;
      for (const stream of waiting.splice(0)) pass(stream);
    },
    close: () => accepted.close(),
  };
}
