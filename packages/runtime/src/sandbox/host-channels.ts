import type { Duplex } from "node:stream";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { listenOn } from "./host-sockets.ts";
import type { ChannelListener } from "./host-sockets.ts";
import type { SandboxChannel } from "./port.ts";

/** The channels of one sandbox, in its folder of sockets: one listener each. */
export class HostChannels {
  readonly #sandbox: string;
  readonly #folder: string;
  readonly #listeners = new Map<SandboxChannel, ChannelListener | "opening">();

  constructor(sandbox: string, folder: string) {
    this.#sandbox = sandbox;
    this.#folder = folder;
  }

  /** As `Sandbox.accept` says. */
  async accept(channel: SandboxChannel, onStream: (stream: Duplex) => void): Promise<ChannelListener> {
    if (this.#listeners.has(channel)) {
      throw new RuntimeError("internal", `Somebody listens already on channel ${channel} of sandbox ${this.#sandbox}`);
    }
    this.#listeners.set(channel, "opening");
    try {
      const listener = await listenOn({ folder: this.#folder, channel }, onStream);
      this.#listeners.set(channel, listener);
      return {
        close: async () => {
          if (this.#listeners.get(channel) === listener) this.#listeners.delete(channel);
          await listener.close();
        },
      };
    } catch (error) {
      this.#listeners.delete(channel);
      throw error;
    }
  }

  async close(): Promise<void> {
    const listeners = [...this.#listeners.values()].filter((listener) => listener !== "opening");
    this.#listeners.clear();
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}
