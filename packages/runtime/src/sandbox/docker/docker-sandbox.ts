import type { Duplex } from "node:stream";
import { hostExecDoor } from "../exec-door.ts";
import { ExecHost } from "../exec-host.ts";
import { readFileByExec, writeFileByExec } from "../files-by-exec.ts";
import type { SandboxFolders } from "../host-folders.ts";
import { HostChannels } from "../host-channels.ts";
import type { ExecOptions, Sandbox, SandboxChannel, SandboxLife, SandboxProcess, SandboxRef } from "../port.ts";
import { containerEnd, inspectContainer } from "./container-watch.ts";
import { overDiskLimit } from "./disk-watch.ts";
import type { Engine } from "./engine.ts";

/** Longest time for the engine to say how a sandbox is, in ms. */
const STATUS_MS = 5_000;

/** What tells a run of a container from any other. */
export interface ContainerRun {
  readonly key: string;
  readonly container: string;
  /** When it was started, as the engine says it: one that somebody has started again is not the same run. */
  readonly startedAt: string;
  readonly sockets: string;
  /** Of the server that made it: its folders are in there. */
  readonly dataDir: string;
  /** What its folders may hold together. */
  readonly diskBytes: number;
}

export interface DockerSandboxParts {
  readonly engine: Engine;
  readonly run: ContainerRun;
  readonly folders: SandboxFolders;
  /** Removes the container and what belongs to it, while nothing else of the provider crosses it. */
  readonly remove: () => Promise<void>;
  /** It was released, has ended or was terminated: the provider forgets this object. */
  readonly onForget: () => void;
}

/** A sandbox that is a container. */
export class DockerSandbox implements Sandbox {
  readonly id: string;
  readonly ref: SandboxRef;
  readonly sockets: string;
  readonly ended: Promise<{ readonly reason: string }>;
  readonly #parts: DockerSandboxParts;
  readonly #end: (end: { readonly reason: string }) => void;
  readonly #channels: HostChannels;
  readonly #letGo = new AbortController();
  readonly #exec: ExecHost;
  #terminated: Promise<void> | undefined;
  #overuse: string | undefined;

  constructor(parts: DockerSandboxParts) {
    this.#parts = parts;
    const { key, sockets } = parts.run;
    this.id = key;
    this.sockets = sockets;
    this.#channels = new HostChannels(key, sockets);
    this.#exec = new ExecHost({ door: hostExecDoor(sockets), signal: this.#letGo.signal });
    this.ref = refOf(parts.run);
    const { promise, resolve } = Promise.withResolvers<{ readonly reason: string }>();
    this.ended = promise;
    this.#end = resolve;
    void this.#watch();
    void this.#watchDisk();
  }

  accept(channel: SandboxChannel, onStream: (stream: Duplex) => void): Promise<{ close(): Promise<void> }> {
    return this.#channels.accept(channel, onStream);
  }

  /** By what waits inside, and not by the engine, which takes a hundred times as long and cannot kill what it started. */
  exec(command: readonly string[], options: ExecOptions = {}): Promise<SandboxProcess> {
    return this.#exec.exec(command, options);
  }

  readFile(path: string, options: { readonly maxBytes?: number } = {}): Promise<Buffer> {
    return readFileByExec((...given) => this.exec(...given), path, options.maxBytes);
  }

  writeFile(path: string, bytes: Uint8Array, options: { readonly mode?: number } = {}): Promise<void> {
    return writeFileByExec((...given) => this.exec(...given), path, { bytes, mode: options.mode });
  }

  async status(): Promise<SandboxLife> {
    const { engine, run } = this.#parts;
    try {
      const found = await inspectContainer(engine, run.container, { timeoutMs: STATUS_MS });
      if (found === null || !found.State.Running || found.State.StartedAt !== run.startedAt) return "gone";
      // Stopped by a person (docker pause), and nobody's to wake.
      return found.State.Paused ? "unreachable" : "running";
    } catch {
      return "unreachable";
    }
  }

  terminate(): Promise<void> {
    this.#terminated ??= this.#terminate().catch((error: unknown) => {
      this.#terminated = undefined;
      throw error;
    });
    return this.#terminated;
  }

  async release(): Promise<void> {
    this.#forget();
    await this.#channels.close();
  }

  async #watch(): Promise<void> {
    const { engine, run } = this.#parts;
    try {
      const reason = await containerEnd(engine, run.container, this.#letGo.signal);
      // Its end may be the first half of ours.
      await this.#terminated?.catch(() => undefined);
      this.#forget();
      this.#end({ reason: this.#overuse ?? reason });
    } catch {
      // Let go of.
    }
  }

  /** The engine bounds no folder: who takes more than it may is ended, as where memory is short. */
  async #watchDisk(): Promise<void> {
    const { engine, run, folders } = this.#parts;
    try {
      const own = [folders.workspace, folders.home, folders.state];
      const used = await overDiskLimit(own, run.diskBytes, this.#letGo.signal);
      this.#overuse = `out of disk: the sandbox had ${mib(used)} in its workspace, home and state, and may have ${mib(run.diskBytes)}`;
      await engine.call((docker, abortSignal) => docker.getContainer(run.container).kill({ abortSignal }));
    } catch {
      // Let go of, or gone already.
    }
  }

  async #terminate(): Promise<void> {
    await this.#parts.remove();
    this.#forget();
    this.#end({ reason: "The sandbox was terminated" });
    await this.#channels.close();
  }

  #forget(): void {
    this.#letGo.abort();
    this.#parts.onForget();
  }
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

export function refOf({ key, container, startedAt, sockets }: Omit<ContainerRun, "diskBytes" | "dataDir">): SandboxRef {
  return { provider: "docker", key, container, startedAt, sockets };
}
