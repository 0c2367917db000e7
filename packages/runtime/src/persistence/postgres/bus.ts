import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeError, type NodeBus } from "@hhopkins/agent-runtime-protocol";
import type { Client } from "pg";
import { newClient, type PostgresConnection, type PostgresDriver } from "./driver.ts";

/** A payload has less than 8000 bytes. */
const MAX_BYTES = 7_900;
/** A connection that says nothing for so long is asked whether it is there. */
const PING_MS = 10_000;
const ANSWER_MS = 5_000;
const LEAST_RECONNECT_MS = 50;
const MOST_RECONNECT_MS = 2_000;

type Listener = Parameters<NodeBus["subscribe"]>[0];

export interface PostgresBusParts {
  readonly load: () => Promise<PostgresDriver>;
  readonly connection: PostgresConnection;
  readonly explain: (error: unknown) => RuntimeError;
}

/**
 * Nodes wake each other by LISTEN and NOTIFY, over one connection a node, outside the pool. It needs a connection of
 * its own from end to end: a pooler that gives it to others between transactions loses what is said.
 */
export function postgresBus({ load, connection, explain }: PostgresBusParts): NodeBus {
  const channel = `agent_runtime_${createHash("sha256").update(connection.schema).digest("hex").slice(0, 16)}`;
  const listeners = new Set<Listener>();
  let client: Client | null = null;
  let opened: AbortController | null = null;
  /** A connection is asked one thing after another. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
    const asked = last.then(ask);
    last = asked.catch(() => undefined);
    return asked;
  };

  const connect = async (signal: AbortSignal): Promise<void> => {
    const made = newClient(await load(), connection, { query_timeout: ANSWER_MS });
    // Without a listener it would end the process; who publishes meanwhile is told.
    made.on("error", () => undefined);
    try {
      await made.connect();
      await made.query(`listen ${channel}`);
    } catch (error) {
      await made.end().catch(() => undefined);
      throw error;
    }
    if (signal.aborted) {
      await made.end();
      return;
    }
    made.on("notification", ({ payload = "" }) => {
      for (const listener of listeners) listener.onText(payload);
    });
    client = made;
    const alive = (): Promise<unknown> => inTurn(() => made.query("select 1"));
    const ping = setInterval(() => void alive().catch(() => made.connection.stream.destroy()), PING_MS);
    ping.unref();
    made.once("end", () => {
      clearInterval(ping);
      client = null;
      if (!signal.aborted) void reconnect(signal);
    });
  };

  const reconnect = async (signal: AbortSignal): Promise<void> => {
    for (let wait = LEAST_RECONNECT_MS; ; wait = Math.min(wait * 2, MOST_RECONNECT_MS)) {
      await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      const failure = await connect(signal).catch((error: unknown) => error);
      if (failure === undefined) break;
    }
    for (const listener of listeners) listener.onGap();
  };

  return {
    maxBytes: MAX_BYTES,
    open: async () => {
      if (opened !== null) return;
      opened = new AbortController();
      try {
        await connect(opened.signal);
      } catch (error) {
        opened = null;
        throw explain(error);
      }
    },
    publish: async (text) => {
      const asked = client;
      if (asked === null) throw notConnected(opened === null);
      const query = { text: "select pg_notify($1, $2)", values: [channel, text], name: "agent_runtime_notify" };
      try {
        await inTurn(() => asked.query(query));
      } catch (error) {
        throw explain(error);
      }
    },
    subscribe: async (listener) => {
      if (opened === null) throw notConnected(true);
      listeners.add(listener);
      return async () => void listeners.delete(listener);
    },
    close: async () => {
      opened?.abort();
      opened = null;
      listeners.clear();
      const closing = client;
      client = null;
      await closing?.end().catch(() => undefined);
    },
  };
}

function notConnected(isClosed: boolean): RuntimeError {
  const message = isClosed
    ? "The bus of PostgreSQL is not open: call open() first, and nothing after close()."
    : "The bus of PostgreSQL has lost its connection, and is making a new one.";
  return new RuntimeError("persistence_unavailable", message);
}
