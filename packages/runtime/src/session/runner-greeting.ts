import { RunnerFrame, WIRE_VERSION } from "@hhopkins/agent-runtime-protocol";
import type { Duplex } from "node:stream";
import type { Logger } from "../logger.ts";

/** For the first line of a stream, milliseconds. */
const HELLO_MS = 10_000;
const HELLO_BYTES = 4096;
const LINE_END = 10;

export interface Greeting {
  readonly generation: number;
  readonly log: Logger;
  /** The stream as it came, paused: nothing of it has been taken. Who listens to it resumes it. */
  readonly onGreeted: (stream: Duplex) => void;
}

/**
 * Lets a stream pass only once it has said hello as the runner of this generation. So what a lost sandbox says late,
 * or whoever else connects, does not even take the place of the stream that is there.
 */
export function greet(stream: Duplex, { generation, log, onGreeted }: Greeting): void {
  let head = Buffer.alloc(0);
  const refuse = (why: string): void => {
    done();
    log.warn({ generation, why }, "a stream that is not its sandbox's runner was closed");
    stream.destroy();
  };
  const onData = (bytes: Buffer): void => {
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf(LINE_END);
    if (end === -1) return head.length > HELLO_BYTES ? refuse("no hello") : undefined;
    const why = refusal(head.subarray(0, end).toString("utf8"), generation);
    if (why !== null) return refuse(why);
    done();
    stream.pause();
    stream.unshift(head);
    onGreeted(stream);
  };
  const onEnd = (): void => done();
  const onError = (error: Error): void => log.debug({ err: error }, "runner stream failed before its hello");
  const timer = setTimeout(() => refuse("no hello in time"), HELLO_MS);
  timer.unref();
  function done(): void {
    clearTimeout(timer);
    stream.off("data", onData);
    stream.off("close", onEnd);
    // Its errors are whose it is then; a stream that is destroyed here may still have one.
    if (!stream.destroyed) setImmediate(() => stream.off("error", onError));
  }
  stream.on("data", onData);
  stream.on("close", onEnd);
  stream.on("error", onError);
}

function refusal(line: string, generation: number): string | null {
  const frame = RunnerFrame.safeParse(parsed(line)).data;
  if (frame?.type === "refused") return null;
  if (frame?.type !== "hello") return "no hello";
  if (frame.version !== WIRE_VERSION) return `version ${frame.version}`;
  return frame.generation === generation ? null : `generation ${frame.generation}`;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
