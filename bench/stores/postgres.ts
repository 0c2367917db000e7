import { join } from "node:path";
import { postgresPersistence } from "@hhopkins/agent-runtime/persistence/postgres";
import { Client, types, TypeOverrides } from "pg";
import { startPostgres } from "../../scripts/postgres-server.ts";
import type { BareDriver, StoreUnderBench } from "./store-under-bench.ts";

/** A server of its own, whose commits wait for the disk. */
export async function postgresUnderBench(folder: string): Promise<StoreUnderBench> {
  const server = await startPostgres(join(folder, "postgres"), { durable: true });
  const adapter = postgresPersistence({ connectionString: server.url });
  await adapter.open?.();
  const numbers = new TypeOverrides();
  numbers.setTypeParser(types.builtins.INT8, Number);
  const client = new Client({ connectionString: server.url, types: numbers });
  await client.connect();
  await client.query("set search_path to agent_runtime");
  const bare = bareDriver(client);
  return {
    name: "postgres",
    version: `${server.version}, pg, fsync on`,
    store: adapter.store,
    bare,
    series: (count) => `generate_series(1, ${count}) as s(n)`,
    cloneTable: (name, like) => bare.run(`create table ${name} (like ${like} including all)`),
    settle: () => bare.run("vacuum analyze"),
    async [Symbol.asyncDispose]() {
      await client.end();
      await adapter.close?.();
      await server.stop();
    },
  };
}

function bareDriver(client: Client): BareDriver {
  const texts = new Map<string, { name: string; text: string }>();
  const named = (sql: string): { name: string; text: string } => {
    let place = 0;
    const known = texts.get(sql) ?? {
      name: `bare_${texts.size}`,
      text: sql.replaceAll("?", () => `$${(place += 1)}`),
    };
    texts.set(sql, known);
    return known;
  };
  return {
    rows: async (sql, values = []) => (await client.query({ ...named(sql), values: [...values] })).rows as unknown[],
    run: async (sql) => void (await client.query(sql)),
    transaction: async (work) => {
      await client.query("begin");
      await work();
      await client.query("commit");
    },
  };
}
