import { join } from "node:path";
import { mysqlPersistence } from "@hhopkins/agent-runtime/persistence/mysql";
import { createConnection, type Connection } from "mysql2/promise";
import { startMariadb } from "../../scripts/mariadb-server.ts";
import type { BareDriver, StoreUnderBench } from "./store-under-bench.ts";

/** A server of its own, whose commits wait for the disk. */
export async function mysqlUnderBench(folder: string): Promise<StoreUnderBench> {
  const server = await startMariadb(join(folder, "mariadb"), { durable: true });
  const first = await createConnection({ uri: server.url });
  await first.query("create database bench");
  await first.end();
  const uri = `${server.url}bench`;
  const adapter = mysqlPersistence({ uri });
  await adapter.open?.();
  const connection = await createConnection({ uri, charset: "utf8mb4" });
  await connection.query("set transaction_isolation = 'READ-COMMITTED'").catch(async () => {
    await connection.query("set tx_isolation = 'READ-COMMITTED'");
  });
  const bare = bareDriver(connection);
  return {
    name: "mysql",
    version: `${server.version}, mysql2, innodb_flush_log_at_trx_commit = 1`,
    store: adapter.store,
    bare,
    series: (count) => `(select seq as n from seq_1_to_${count}) as s`,
    cloneTable: (name, like) => bare.run(`create table ${name} like ${like}`),
    settle: async () => void (await bare.rows("analyze table sessions, events, blocks, files, logs")),
    async [Symbol.asyncDispose]() {
      await connection.end();
      await adapter.close?.();
      await server.stop();
    },
  };
}

function bareDriver(connection: Connection): BareDriver {
  return {
    rows: async (sql, values = []) => {
      const [rows] = await connection.query(sql, [...values]);
      return Array.isArray(rows) ? rows : [];
    },
    run: async (sql) => void (await connection.query(sql)),
    transaction: async (work) => {
      await connection.query("begin");
      await work();
      await connection.query("commit");
    },
  };
}
