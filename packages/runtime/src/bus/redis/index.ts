import type { createClient } from "@redis/client";
import type { NodeBus } from "@hhopkins/agent-runtime-protocol";
import { BUS_TEXT_BYTES, busAddress, busNotOpen, busUnavailable, missingBusClient } from "../bus-address.ts";

export interface RedisBusOptions {
  /** `redis://[[user]:password@]host[:port]`, or `rediss://…` for TLS. */
  readonly url: string;
  /** Nodes of one cluster have one of their own. Default: `agent-runtime`. */
  readonly channel?: string;
}

type Listener = Parameters<NodeBus["subscribe"]>[0];
type CreateClient = typeof createClient;
type LoadRedis = () => Promise<{ readonly createClient: CreateClient }>;
type RedisClient = ReturnType<CreateClient>;

/** A connection that says nothing for so long is given up: it is asked for a sign of life three times as often. */
const SILENT_MS = 30_000;
const MOST_RECONNECT_MS = 2_000;

/**
 * Nodes wake each other by Redis' pub/sub. It keeps nothing: the store is the truth. Lost connections come back by
 * themselves. Throws `invalid_configuration`; `open` rejects with `missing_dependency`, and with `unavailable` where
 * the server cannot be had.
 */
export function redisBus(options: RedisBusOptions, load: LoadRedis = () => import("@redis/client")): NodeBus {
  const address = busAddress(options.url, ["redis:", "rediss:"]);
  const { url, channel = "agent-runtime" } = options;
  const listeners = new Set<Listener>();
  let publisher: RedisClient | undefined;
  let subscriber: RedisClient | undefined;

  const connected = async (create: CreateClient, onReady: () => void): Promise<RedisClient> => {
    let isOpen = false;
    const reconnectStrategy = (retries: number, cause: Error): number | Error =>
      isOpen ? Math.min(50 * 2 ** retries, MOST_RECONNECT_MS) : cause;
    const client = create({
      url,
      disableOfflineQueue: true,
      pingInterval: SILENT_MS / 3,
      socket: { reconnectStrategy, connectTimeout: 5_000, socketTimeout: SILENT_MS },
    });
    // Without a listener it would end the process; who publishes meanwhile is told.
    client.on("error", () => undefined);
    client.on("ready", () => {
      if (isOpen) onReady();
    });
    await client.connect();
    isOpen = true;
    return client as RedisClient;
  };

  const bus: NodeBus = {
    maxBytes: BUS_TEXT_BYTES,
    async open() {
      if (publisher !== undefined) return;
      const { createClient: create } = await load().catch((cause: unknown) => {
        throw missingBusClient("@redis/client@6.3.1", cause);
      });
      try {
        publisher = await connected(create, () => undefined);
        subscriber = await connected(create, () => {
          for (const listener of listeners) listener.onGap();
        });
      } catch (cause) {
        await bus.close?.();
        throw busUnavailable(address, cause);
      }
    },
    async publish(text) {
      if (publisher === undefined) throw busNotOpen();
      await publisher.publish(channel, text);
    },
    async subscribe(listener) {
      const client = subscriber;
      if (client === undefined) throw busNotOpen();
      const onText = (text: string): void => listener.onText(text);
      await client.subscribe(channel, onText);
      listeners.add(listener);
      return async () => {
        listeners.delete(listener);
        if (client.isReady) await client.unsubscribe(channel, onText);
      };
    },
    async close() {
      const clients = [publisher, subscriber];
      publisher = undefined;
      subscriber = undefined;
      listeners.clear();
      for (const client of clients) client?.destroy();
    },
  };
  return bus;
}
