import { createRequire } from "node:module";
import { join } from "node:path";
import { script } from "@hhopkins/agent-runtime-testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bash } from "../testing/prompts.ts";
import { ClientLog } from "./client-log.ts";
import { startModelLog, type ModelLog } from "./model-log.ts";
import { ServerUnderFire } from "./server-under-fire.ts";

interface Connection {
  prepare(sql: string): { run(...values: unknown[]): { changes: number } };
  close(): void;
}
const Database = createRequire(import.meta.url)("better-sqlite3") as new (file: string) => Connection;

let model: ModelLog;

beforeAll(async () => {
  model = await startModelLog();
});
afterAll(() => model[Symbol.asyncDispose]());

const BYTES = "x".repeat(100_000);

test("a sandbox whose end a server did not live to see is verified again by the next one, and only then ended", async () => {
  await using server = await ServerUnderFire.open({ modelUrl: model.url });
  await server.start("sync:after");
  const client = new ClientLog(server, await server.create());
  const { sessionId } = client;
  const work = script([
    { tools: [bash(`head -c ${BYTES.length} /dev/zero | tr '\\0' x > kept.txt`)] },
    { text: "Done." },
  ]);
  await server.send(sessionId, { messageId: "work", content: `[work] ${work}` });
  await client.until(() => client.ends.has("work"));
  await server.request("POST", `/sessions/${sessionId}/unload`).catch(() => undefined);
  await server.died();
  expect(await server.fileInSandbox(sessionId, "kept.txt")).toBe(BYTES);

  const store = new Database(join(server.folder, "data", "agent-runtime.db"));
  const damaged = store.prepare("UPDATE blobs SET bytes = zeroblob(length) WHERE session_id = ?").run(sessionId);
  expect(damaged.changes).toBeGreaterThan(0);
  store.close();

  await server.start();
  await client.until(() => client.state?.runtime.sandbox?.status === "terminated");
  client.stop();
  expect(await (await server.persist("GET", `/sessions/${sessionId}/files/kept.txt`)).text()).toBe(BYTES);
  await expect.poll(() => server.fileInSandbox(sessionId, "kept.txt")).toBe("");
  expect(client.breaks).toEqual([]);
});
