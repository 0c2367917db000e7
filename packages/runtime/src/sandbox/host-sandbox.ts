import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { hostExecDoor } from "./exec-door.ts";
import { ExecHost } from "./exec-host.ts";
import { readFileByExec, writeFileByExec } from "./files-by-exec.ts";
import { HostChannels } from "./host-channels.ts";
import { removeFolders, removeSocketFolder } from "./host-folders.ts";
import { endReason } from "./host-launcher.ts";
import type { Launcher, SandboxPlace } from "./host-launcher.ts";
import { processIdentity } from "./host-process.ts";
import type { SandboxRecord } from "./host-record.ts";
import type { ChannelListener } from "./host-sockets.ts";
import type { ExecOptions, Sandbox, SandboxChannel, SandboxLife, SandboxProcess, SandboxRef } from "./port.ts";

const KILL_DEADLINE_MS = 15_000;

export interface HostSandboxParts {
  readonly dataDir: string;
  readonly launcher: Launcher;
  readonly place: SandboxPlace;
  readonly process: NonNullable<SandboxRecord["process"]>;
  /** How often to look whether it still runs, in ms. */
  readonly pollMs: number;
  /** Runs work on this sandbox's files that nothing else of the provider may cross. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
  /** It was released, has ended or was terminated: the provider forgets this object. */
  readonly onForget: () => void;
  /** No other object of this process stands for the same sandbox. */
  readonly isForgotten: () => boolean;
}

/** A sandbox whose processes and files are on this host. */
export class HostSandbox implements Sandbox {
  readonly id: string;
  readonly ref: SandboxRef;
  readonly sockets: string;
  readonly ended: Promise<{ readonly reason: string }>;
  readonly #parts: HostSandboxParts;
  readonly #end: (end: { readonly reason: string }) => void;
  readonly #channels: HostChannels;
  readonly #poll: NodeJS.Timeout;
  readonly #exec: ExecHost;
  readonly #letGo = new AbortController();
  #terminated: Promise<void> | undefined;
  #over = false;
  #looksAtUse = false;
  #overuse: string | undefined;

  constructor(parts: HostSandboxParts) {
    this.#parts = parts;
    const { launcher, place, process } = parts;
    this.id = place.key;
    this.sockets = place.sockets;
    this.#channels = new HostChannels(place.key, place.sockets);
    this.ref = refOf(launcher.name, { ...place, dataDir: parts.dataDir }, process);
    const { promise, resolve } = Promise.withResolvers<{ readonly reason: string }>();
    this.ended = promise;
    this.#end = resolve;
    this.#poll = setInterval(() => this.look(), parts.pollMs);
    this.#poll.unref();
    this.#exec = new ExecHost({ door: hostExecDoor(place.sockets), signal: this.#letGo.signal });
  }

  get #alive(): boolean {
    const { pid, identity } = this.#parts.process;
    return processIdentity(pid) === identity;
  }

  /** Looks whether the sandbox still runs, and says so when it does not. */
  look(): void {
    if (this.#over) return;
    if (this.#alive) {
      this.#endLeftBehind().catch(() => undefined);
      this.#endOverused().catch(() => undefined);
      return;
    }
    this.#forget();
    this.#tellEnd().catch(() => this.#end({ reason: "The sandbox's process is gone" }));
  }

  async #tellEnd(): Promise<void> {
    const { launcher, place, alone } = this.#parts;
    this.#end({ reason: this.#overuse ?? (await endReason(launcher, place)) });
    // It may have been started again meanwhile, by the same name.
    await alone(async () => {
      if (!this.#alive && this.#parts.isForgotten()) await launcher.clean?.(place);
    });
  }

  /** A limit that the kernel does not hold is held by ending what does not keep to it. The next look finds it dead. */
  async #endOverused(): Promise<void> {
    const { launcher, place, process } = this.#parts;
    if (this.#looksAtUse) return;
    this.#looksAtUse = true;
    try {
      const overuse = (await launcher.overuse?.(place, process.pid)) ?? null;
      if (overuse === null || this.#over || !this.#alive) return;
      this.#overuse = overuse;
      launcher.kill(place, process.pid);
    } finally {
      this.#looksAtUse = false;
    }
  }

  /** The runner's end is the sandbox's: what it left running must not go on alone. The next look finds it dead. */
  async #endLeftBehind(): Promise<void> {
    const { launcher, place, process } = this.#parts;
    const code = await launcher.exitCode(place);
    if (code !== null && !this.#over && this.#alive) launcher.kill(place, process.pid);
  }

  accept(channel: SandboxChannel, onStream: (stream: Duplex) => void): Promise<ChannelListener> {
    return this.#channels.accept(channel, onStream);
  }

  async exec(command: readonly string[], options: ExecOptions = {}): Promise<SandboxProcess> {
    this.look();
    return this.#exec.exec(command, options);
  }

  async readFile(path: string, options: { readonly maxBytes?: number } = {}): Promise<Buffer> {
    return readFileByExec((...given) => this.exec(...given), path, options.maxBytes);
  }

  async writeFile(path: string, bytes: Uint8Array, options: { readonly mode?: number } = {}): Promise<void> {
    return writeFileByExec((...given) => this.exec(...given), path, { bytes, mode: options.mode });
  }

  async status(): Promise<SandboxLife> {
    return this.#alive ? "running" : "gone";
  }

  terminate(): Promise<void> {
    this.#terminated ??= this.#parts
      .alone(() => this.#terminate())
      .catch((error: unknown) => {
        this.#terminated = undefined;
        throw error;
      });
    return this.#terminated;
  }

  async release(): Promise<void> {
    this.#forget();
    await this.#channels.close();
  }

  async #terminate(): Promise<void> {
    this.#forget();
    const { dataDir, launcher, place } = this.#parts;
    await killSandbox(launcher, place, () => (this.#alive ? this.#parts.process.pid : null));
    await launcher.clean?.(place);
    this.#end({ reason: "The sandbox was terminated" });
    await this.#channels.close();
    await removeFolders(dataDir, place.key);
    await removeSocketFolder(place.sockets);
  }

  #forget(): void {
    this.#over = true;
    clearInterval(this.#poll);
    this.#letGo.abort();
    this.#parts.onForget();
  }
}

export function refOf(
  provider: string,
  at: { readonly key: string; readonly sockets: string; readonly dataDir: string },
  process: NonNullable<SandboxRecord["process"]>,
): SandboxRef {
  const { key, sockets, dataDir } = at;
  return { provider, key, pid: process.pid, identity: process.identity, sockets, dataDir };
}

/** Kills until nothing is left; `pid` is asked anew each time, since a number may get another owner. */
export async function killSandbox(launcher: Launcher, place: SandboxPlace, pid: () => number | null): Promise<void> {
  const deadline = performance.now() + KILL_DEADLINE_MS;
  for (let wait = 2; !launcher.kill(place, pid()); wait = Math.min(wait * 2, 100)) {
    if (performance.now() > deadline) {
      throw new RuntimeError(
        "sandbox_unavailable",
        `Sandbox ${place.key} did not end within ${KILL_DEADLINE_MS / 1000} s after SIGKILL`,
      );
    }
    await sleep(wait);
  }
}
