import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { NodeBus } from "@hhopkins/agent-runtime-protocol";
import { postgresPersistence } from "./index.ts";
import { testDatabase, type TestDatabase } from "./testing/test-database.ts";
import { busListener } from "../../bus/testing/bus-listener.ts";

let database: TestDatabase;
const opened: NodeBus[] = [];

beforeAll(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  for (const bus of opened.splice(0)) await bus.close?.();
});
afterAll(async () => database.drop());

function busOf(connectionString = database.url, schema = "agent_runtime"): NodeBus {
  const bus = postgresPersistence({ connectionString, schema }).store.cluster?.bus;
  if (bus === undefined) throw new Error("no bus");
  return bus;
}

async function openBus(schema?: string): Promise<NodeBus> {
  const bus = busOf(database.url, schema);
  await bus.open?.();
  opened.push(bus);
  return bus;
}

/** Ends the connections that listen, as a server that goes down does. */
async function cut(): Promise<number> {
  const rows = await database.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' or query like '%pg_notify%' and pid <> pg_backend_pid()",
  );
  return rows.length;
}

test("what one node says all hear, itself too, until they stop; other schemas hear nothing", async () => {
  const [one, two, apart] = [await openBus(), await openBus(), await openBus("another")];
  const [mine, theirs, none] = [busListener(), busListener(), busListener()];
  await one.subscribe(mine);
  const stop = await two.subscribe(theirs);
  await apart.subscribe(none);
  const odd = "häßlich ' \" \\ 🙂";
  await one.publish(odd);
  await two.publish("x".repeat(one.maxBytes));
  await vi.waitFor(() => expect(theirs.texts).toEqual([odd, "x".repeat(one.maxBytes)]));
  await vi.waitFor(() => expect(mine.texts).toHaveLength(2));
  await stop();
  await one.publish("later");
  await vi.waitFor(() => expect(mine.texts).toHaveLength(3));
  await apart.publish("end");
  await vi.waitFor(() => expect(none.texts).toEqual(["end"]));
  expect(theirs.texts).toHaveLength(2);
});

test("a lost connection comes back by itself, and listeners are told that they may have missed something", async () => {
  const bus = await openBus();
  const heard = busListener();
  await bus.subscribe(heard);
  await bus.publish("before");
  await vi.waitFor(() => expect(heard.texts).toEqual(["before"]));
  expect(await cut()).toBe(1);
  await vi.waitFor(() => expect(heard.gaps).toBe(1), { timeout: 20_000 });
  await bus.publish("after");
  await vi.waitFor(() => expect(heard.texts).toEqual(["before", "after"]));
});

test("a text that is too long, a bus that is not open, and one that cannot be had", async () => {
  const bus = await openBus();
  await expect(bus.publish("x".repeat(8000))).rejects.toMatchObject({ code: "persistence_unavailable" });
  await bus.close?.();
  await expect(bus.publish("x")).rejects.toThrow("not open");
  await expect(bus.subscribe(busListener())).rejects.toThrow("not open");
  await bus.open?.();
  await bus.publish("again");
  const nowhere = busOf("postgres://user:secret-word@127.0.0.1:1/db");
  const error: Error = (await nowhere.open?.().then(
    () => expect.fail("it opened"),
    (reason: Error) => reason,
  )) as Error;
  expect(error.message).toMatch(/PostgreSQL at 127\.0\.0\.1:1\/db: nobody answers there: start PostgreSQL/);
  expect(error.message).not.toContain("secret-word");
});

test("while the connection is away, who publishes is told so; closing meanwhile ends it", async () => {
  const own = await testDatabase();
  const bus = busOf(own.url);
  await bus.open?.();
  const heard = busListener();
  await bus.subscribe(heard);
  await own.drop();
  await vi.waitFor(async () => expect(bus.publish("x")).rejects.toThrow("lost its connection"));
  await bus.close?.();
  expect(heard.gaps).toBe(0);
});
