import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type * as ModalSdk from "modal";
import { ExecHost } from "../exec-host.ts";
import { readFileByExec, writeFileByExec } from "../files-by-exec.ts";
import type { ExecOptions, Sandbox, SandboxChannel, SandboxLife, SandboxProcess, SandboxRef } from "../port.ts";
import { unlessLate } from "./deadline.ts";
import { EXEC_CHANNEL } from "./inside/paths.ts";
import { Line } from "./line/line.ts";
import { splitHosts } from "./network.ts";
import { explainModalError, isNotFound } from "./remedy.ts";
import { unlessThrottled } from "./retry.ts";
import { startBridge } from "./sdk-transport.ts";

export interface ModalSandboxParts {
  readonly sdk: ModalSdk.Sandbox;
  /** The same, for questions about it: `sdk` answers none after it was let go of. */
  readonly handle: ModalSdk.Sandbox;
  readonly ref: SandboxRef;
  readonly moveAfter: number;
  /** For Modal to answer, in ms. */
  readonly requestTimeoutMs: number;
  /** How often to ask how it is while its line is down, in ms. */
  readonly pollMs: number;
  readonly random: () => number;
  readonly onForget: () => void;
}

const LISTEN_MS = 10_000;
const TERMINATE_MS = 60_000;
const SNAPSHOT_MS = 60_000;
const TERMINATED = "The sandbox was terminated";

/** A sandbox on Modal, and this server's line to it. */
export class ModalSandbox implements Sandbox {
  readonly id: string;
  readonly ref: SandboxRef;
  readonly moveAfter: number;
  readonly ended: Promise<{ readonly reason: string }>;
  readonly #parts: ModalSandboxParts;
  readonly #line: Line;
  readonly #exec: ExecHost;
  readonly #letGo = new AbortController();
  readonly #listeners = new Map<string, (stream: Duplex) => void>();
  readonly #streams = new Map<string, Set<Duplex>>();
  readonly #end: (end: { readonly reason: string }) => void;
  #terminated: Promise<void> | undefined;
  #asking: Promise<SandboxLife> | undefined;
  #poll: NodeJS.Timeout;

  constructor(parts: ModalSandboxParts) {
    this.#parts = parts;
    this.id = parts.sdk.sandboxId;
    this.ref = parts.ref;
    this.moveAfter = parts.moveAfter;
    const { promise, resolve } = Promise.withResolvers<{ readonly reason: string }>();
    this.ended = promise;
    this.#end = resolve;
    this.#line = new Line({
      open: () => startBridge(parts.sdk),
      onStream: (channel, stream) => this.#onStream(channel, stream),
      halfOpen: new Set([EXEC_CHANNEL]),
      onDown: () => this.#look(),
      random: parts.random,
    });
    this.#exec = new ExecHost({ door: (onStream) => this.#execDoor(onStream), signal: this.#letGo.signal });
    this.#poll = setInterval(() => {
      // A line that is up says that it runs.
      if (this.#line.state !== "up") this.#look();
    }, parts.pollMs);
    this.#poll.unref();
  }

  async accept(channel: SandboxChannel, onStream: (stream: Duplex) => void): Promise<{ close(): Promise<void> }> {
    if (this.#listeners.has(channel)) {
      throw new RuntimeError("internal", `Somebody listens already on channel ${channel} of sandbox ${this.id}`);
    }
    const listening = this.#listen(channel, onStream);
    // Without a line for so long it comes later: whoever waits longer would not know either.
    const over = new AbortController();
    const late = sleep(LISTEN_MS, undefined, { signal: over.signal }).catch(() => undefined);
    try {
      await Promise.race([listening.ready, late]);
    } finally {
      over.abort();
    }
    return listening;
  }

  #listen(
    channel: string,
    onStream: (stream: Duplex) => void,
  ): { readonly ready: Promise<void>; close(): Promise<void> } {
    const streams = new Set<Duplex>();
    this.#listeners.set(channel, onStream);
    this.#streams.set(channel, streams);
    return {
      ready: this.#line.listen(channel),
      close: async () => {
        if (this.#listeners.get(channel) === onStream) {
          this.#listeners.delete(channel);
          this.#line.unlisten(channel);
        }
        for (const stream of streams) stream.destroy();
      },
    };
  }

  #onStream(channel: string, stream: Duplex): void {
    const [listener, streams] = [this.#listeners.get(channel), this.#streams.get(channel)];
    if (listener === undefined || streams === undefined) return void stream.destroy();
    streams.add(stream);
    stream.once("close", () => streams.delete(stream));
    listener(stream);
  }

  async #execDoor(
    onStream: (stream: Duplex) => void,
  ): Promise<{ ask(signal: AbortSignal): Promise<void>; close(): void }> {
    const listening = this.#listen(EXEC_CHANNEL, onStream);
    return {
      ask: async (signal) => {
        await unlessGone(listening.ready, signal);
        await this.#line.supervise(signal);
      },
      close: () => void listening.close(),
    };
  }

  async exec(command: readonly string[], options: ExecOptions = {}): Promise<SandboxProcess> {
    if (this.#letGo.signal.aborted) throw lost(this.id);
    return this.#exec.exec(command, options);
  }

  readFile(path: string, options: { readonly maxBytes?: number } = {}): Promise<Buffer> {
    return readFileByExec((...given) => this.exec(...given), path, options.maxBytes);
  }

  writeFile(path: string, bytes: Uint8Array, { mode }: { readonly mode?: number } = {}): Promise<void> {
    return writeFileByExec((...given) => this.exec(...given), path, { bytes, mode });
  }

  async snapshot(): Promise<{ readonly id: string }> {
    const image = await unlessLate(this.#parts.sdk.snapshotFilesystem(), { timeoutMs: SNAPSHOT_MS });
    return { id: image.imageId };
  }

  async setNetwork(network: { readonly allowedHosts: readonly string[] }): Promise<void> {
    const { domains, cidrs } = splitHosts(network.allowedHosts);
    await this.#request(() =>
      this.#parts.sdk.updateNetworkPolicy({ outboundDomainAllowlist: domains, outboundCidrAllowlist: cidrs }),
    );
  }

  #request<T>(ask: () => Promise<T>): Promise<T> {
    const { random, requestTimeoutMs } = this.#parts;
    return unlessThrottled(() => unlessLate(ask(), { timeoutMs: requestTimeoutMs }), { random });
  }

  status(): Promise<SandboxLife> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<SandboxLife> {
    try {
      const code = await unlessLate(this.#parts.handle.poll(), { timeoutMs: this.#parts.requestTimeoutMs });
      if (code === null) return "running";
      this.#over(this.#terminated === undefined ? reasonOf(code) : TERMINATED);
      return "gone";
    } catch (error) {
      if (!isNotFound(error) && !(error instanceof Error && isNotFound(error.cause))) return "unreachable";
      this.#over("Modal does not have it any more");
      return "gone";
    }
  }

  #look(): void {
    if (!this.#letGo.signal.aborted) void this.status();
  }

  #over(reason: string): void {
    this.#forget();
    this.#end({ reason });
  }

  terminate(): Promise<void> {
    this.#terminated ??= this.#terminate().catch((error: unknown) => {
      this.#terminated = undefined;
      throw error;
    });
    return this.#terminated;
  }

  async #terminate(): Promise<void> {
    const { random, requestTimeoutMs, handle, sdk } = this.#parts;
    try {
      await unlessThrottled(() => unlessLate(handle.terminate(), { timeoutMs: requestTimeoutMs }), { random });
      await this.#gone();
    } catch (error) {
      if (!isNotFound(error) && !(error instanceof Error && isNotFound(error.cause))) throw explainModalError(error);
    }
    this.#over(TERMINATED);
    sdk.detach();
  }

  /** Modal takes the order before it is carried out. */
  async #gone(): Promise<void> {
    const deadline = performance.now() + TERMINATE_MS;
    for (let wait = 50; (await this.#parts.handle.poll()) === null; wait = Math.min(wait * 2, 2000)) {
      if (performance.now() > deadline) {
        throw new RuntimeError(
          "sandbox_unavailable",
          `Modal did not end sandbox ${this.id} within ${TERMINATE_MS / 1000} s`,
        );
      }
      await sleep(wait);
    }
  }

  async release(): Promise<void> {
    this.#forget();
    this.#parts.sdk.detach();
  }

  #forget(): void {
    clearInterval(this.#poll);
    this.#letGo.abort(lost(this.id));
    this.#line.stop();
    for (const streams of this.#streams.values()) for (const stream of streams) stream.destroy();
    this.#listeners.clear();
    this.#parts.onForget();
  }
}

function unlessGone(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", refuse, { once: true });
    if (signal.aborted) refuse();
    void work.then(() => {
      signal.removeEventListener("abort", refuse);
      resolve();
    });
  });
}

/** Codes that the SDK has for ends that are not the program's own. */
function reasonOf(code: number): string {
  if (code === 124) return "Modal ended the sandbox at its time limit";
  if (code === 137) return "Modal ended the sandbox, or its memory did not suffice";
  return `The runner ended with exit code ${code}`;
}

function lost(id: string): RuntimeError {
  return new RuntimeError("sandbox_lost", `Sandbox ${id} is gone, or was let go of`);
}
