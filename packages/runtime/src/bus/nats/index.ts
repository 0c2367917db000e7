import type { NodeBus } from "@hhopkins/agent-runtime-protocol";
import type { connect, NatsConnection } from "@nats-io/transport-node";
import { BUS_TEXT_BYTES, busAddress, busNotOpen, busUnavailable, missingBusClient } from "../bus-address.ts";

export interface NatsBusOptions {
  /** `nats://[user:password@]host[:port]`, or `tls://…`; a token stands where the user does. Several with commas between them: servers of one cluster. */
  readonly url: string;
  /** Nodes of one cluster have one of their own. Default: `agent-runtime`. */
  readonly subject?: string;
}

type LoadNats = () => Promise<{ readonly connect: typeof connect }>;
type Listener = Parameters<NodeBus["subscribe"]>[0];

/** A server that answers no ping for three times as long is given up. */
const PING_MS = 10_000;

/**
 * Nodes wake each other by NATS, the core without streams. It keeps nothing: the store is the truth. Lost connections
 * come back by themselves. Throws `invalid_configuration`; `open` rejects with `missing_dependency`, and with
 * `unavailable` where no server can be had.
 */
export function natsBus(options: NatsBusOptions, load: LoadNats = () => import("@nats-io/transport-node")): NodeBus {
  const addresses = options.url.split(",").map((url) => busAddress(url.trim(), ["nats:", "tls:"]));
  const [address] = addresses as [URL];
  const { subject = "agent-runtime" } = options;
  const listeners = new Set<Listener>();
  let connection: NatsConnection | undefined;
  /** While it is not, what is published would gather in memory. */
  let isConnected = false;

  const watch = async (watched: NatsConnection): Promise<void> => {
    for await (const { type } of watched.status()) {
      if (type === "disconnect") isConnected = false;
      if (type === "reconnect") isConnected = true;
      if (type === "reconnect" || type === "slowConsumer") for (const listener of listeners) listener.onGap();
    }
  };

  return {
    maxBytes: BUS_TEXT_BYTES,
    async open() {
      if (connection !== undefined) return;
      const client = await load().catch((cause: unknown) => {
        throw missingBusClient("@nats-io/transport-node@3.4.0", cause);
      });
      try {
        connection = await client.connect({
          servers: addresses.map(({ protocol, host }) => `${protocol}//${host}`),
          ...credentialsOf(address),
          ...(address.protocol === "tls:" ? { tls: {} } : {}),
          name: "agent-runtime",
          maxReconnectAttempts: -1,
          reconnectTimeWait: 250,
          ignoreAuthErrorAbort: true,
          pingInterval: PING_MS,
          maxPingOut: 2,
          timeout: 5_000,
        });
      } catch (cause) {
        throw busUnavailable(address, cause);
      }
      isConnected = true;
      void watch(connection).catch(() => undefined);
    },
    async publish(text) {
      if (connection === undefined || !isConnected) throw busNotOpen();
      connection.publish(subject, text);
    },
    async subscribe(listener) {
      if (connection === undefined) throw busNotOpen();
      const subscription = connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) listener.onText(message.string());
        },
      });
      // So that what is published from now on comes.
      await connection.flush();
      listeners.add(listener);
      return async () => {
        listeners.delete(listener);
        subscription.unsubscribe();
      };
    },
    async close() {
      const closing = connection;
      connection = undefined;
      isConnected = false;
      listeners.clear();
      await closing?.close();
    },
  };
}

function credentialsOf({ username, password }: URL): { user: string; pass: string } | { token: string } | object {
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  if (user === "") return {};
  return pass === "" ? { token: user } : { user, pass };
}
