import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerInspectInfo } from "dockerode";
import { plainTail } from "../host-launcher.ts";
import { engineStatus, unlessMissing } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { NEEDS } from "./remedy.ts";

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
const TAIL_LINES = 8;

/** What the engine says of a container; null: there is none. */
export async function inspectContainer(
  engine: Engine,
  id: string,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<ContainerInspectInfo | null> {
  return unlessMissing(engine.call((docker, abortSignal) => docker.getContainer(id).inspect({ abortSignal }), options));
}

/**
 * Resolves with why a container does not run any more. An engine that goes away says nothing of its containers, so it
 * is asked again until it answers. Rejects when `signal` aborts.
 */
export async function containerEnd(engine: Engine, id: string, signal: AbortSignal): Promise<string> {
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(delay * 2, MAX_DELAY_MS)) {
    try {
      await engine.call(
        (docker, abortSignal) => docker.getContainer(id).wait({ condition: "not-running", abortSignal }),
        { timeoutMs: null, signal },
      );
      const found = await inspectContainer(engine, id, { signal });
      if (found === null) return REMOVED;
      // An engine that stops lets go of who waits before its containers have ended.
      if (!found.State.Running) return await reasonOfEnd(engine, found, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (engineStatus(error) === 404) return REMOVED;
    }
    await sleep(delay, undefined, { signal });
  }
}

const REMOVED = "The sandbox's container was removed";

/** Why a container has ended, in words. */
export async function reasonOfEnd(
  engine: Engine,
  { Id, State }: ContainerInspectInfo,
  signal: AbortSignal,
): Promise<string> {
  const tail = await logTail(engine, Id, signal).catch(() => "");
  const what = State.OOMKilled
    ? `The sandbox ran out of memory (exit code ${State.ExitCode})`
    : `The runner ended with exit code ${State.ExitCode}${State.Error === "" ? "" : ` (${State.Error})`}`;
  // What a shell, and the engine's first process, say where there is no such program.
  const remedy = State.ExitCode === 127 ? ` ${NEEDS}` : "";
  return tail === "" ? what : `${what}: ${tail}${remedy}`;
}

async function logTail(engine: Engine, id: string, signal: AbortSignal): Promise<string> {
  const log = await engine.call(
    (docker, abortSignal) =>
      docker.getContainer(id).logs({ stdout: true, stderr: true, tail: TAIL_LINES, abortSignal }),
    { signal },
  );
  return plainTail(withoutFrames(log));
}

/** Outputs come in frames of a header of eight bytes, the last four of them the length, and the bytes. */
function withoutFrames(log: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + 8 <= log.length;) {
    const end = at + 8 + log.readUInt32BE(at + 4);
    parts.push(log.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(parts).toString("utf8");
}
