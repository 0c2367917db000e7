import type { PostgresPoolClient } from "kysely";
import type { PoolClient, QueryResult } from "pg";
import { isOutdatedPlan } from "./errors.ts";

/** Statements that a connection keeps prepared. */
const PREPARED = 200;

interface Known {
  readonly made: PostgresPoolClient;
  readonly epoch: number;
}

/**
 * Clients of a pool that keep what they are asked prepared. Where a newer version of us has changed the tables meanwhile,
 * what was prepared before fits no more: then the connections of before are given up.
 */
export class PreparedStatements {
  readonly #names = new Map<string, string>();
  readonly #clients = new WeakMap<PoolClient, Known>();
  #epoch = 0;

  /** What `prepare` made of this client; undefined: it is new. */
  clientOf(client: PoolClient): PostgresPoolClient | "outdated" | undefined {
    const known = this.#clients.get(client);
    return known === undefined || known.epoch === this.#epoch ? known?.made : "outdated";
  }

  prepare(client: PoolClient): PostgresPoolClient {
    const epoch = this.#epoch;
    const query = async (text: string, values: readonly unknown[]): Promise<QueryResult> => {
      const name = values.length === 0 ? undefined : this.#nameOf(text);
      try {
        return await client.query({ text, values: [...values], ...(name === undefined ? {} : { name }) });
      } catch (error) {
        if (isOutdatedPlan(error) && this.#epoch === epoch) this.#epoch += 1;
        throw error;
      }
    };
    const made = { query, release: (discard?: boolean) => client.release(discard) } as unknown as PostgresPoolClient;
    this.#clients.set(client, { made, epoch });
    return made;
  }

  #nameOf(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= PREPARED) return known;
    const name = `agent_runtime_${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}
