import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MountedEnvironment } from "./environment-mounts.ts";
import type { SandboxFolders } from "./host-folders.ts";
import type { SandboxSpec } from "./port.ts";

/** Where a sandbox of this host is. */
export interface SandboxPlace {
  readonly key: string;
  readonly folders: SandboxFolders;
  readonly sockets: string;
  /** What was installed for it, or is being installed in it; only while it is started. */
  readonly environment?: Pick<MountedEnvironment, "folder" | "writable">;
}

/** What differs between ways of starting a sandbox on this host. */
export interface Launcher {
  /** The provider's name, kept in the records. */
  readonly name: string;
  /**
   * Starts the runner, detached, and resolves when it really runs: to the process whose end is the sandbox's end.
   * `onExit` is called, where this process can tell, when it may have ended.
   */
  start(place: SandboxPlace, spec: SandboxSpec, options: { signal: AbortSignal; onExit: () => void }): Promise<number>;
  /** The process of a start that was cut off before it was recorded; null: there is none. */
  recover(place: SandboxPlace): Promise<number | null>;
  /** SIGKILL to all of it; `pid` is given while it is certain to be the sandbox's. true: nothing is left. */
  kill(place: SandboxPlace, pid: number | null): boolean;
  /** Exit code of the runner, where it was kept. */
  exitCode(place: SandboxPlace): Promise<number | null>;
  /** What it uses beyond its limits, in words, of what the kernel does not bound: it is ended for that. */
  overuse?(place: SandboxPlace, pid: number): Promise<string | null>;
  /** Why it ended, where its limits have to do with that. */
  endCause?(place: SandboxPlace, exitCode: number | null): string | null;
  /** Frees what the kernel holds for one that has ended, however it ended. */
  clean?(place: SandboxPlace): Promise<void>;
}

const TAIL_BYTES = 4096;
const TAIL_LINES = 8;

export function logPath(place: SandboxPlace): string {
  return join(place.folders.log, "runner.log");
}

/** Last lines of what the runner has written to its standard output and error, without control characters. */
export async function logTail(place: SandboxPlace): Promise<string> {
  try {
    const { size } = await stat(logPath(place));
    await using file = await open(logPath(place), "r");
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, start);
    return plainTail(buffer.subarray(0, bytesRead).toString("utf8"));
  } catch {
    return "";
  }
}

/** Last lines of a log, without control characters. */
export function plainTail(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what a log of a stranger must not bring in
  const lines = text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f]/g, " ").split("\n");
  return lines
    .filter((line) => line.trim() !== "")
    .slice(-TAIL_LINES)
    .join("\n");
}

/** Why a sandbox ended, in words. */
export async function endReason(launcher: Launcher, place: SandboxPlace): Promise<string> {
  const [code, tail] = [await launcher.exitCode(place), await logTail(place)];
  const cause = launcher.endCause?.(place, code) ?? null;
  if (cause !== null) return cause;
  const what = code === null ? "The sandbox's process is gone" : `The runner ended with exit code ${code}`;
  return tail === "" ? what : `${what}: ${tail}`;
}
