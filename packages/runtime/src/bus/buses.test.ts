import type { NodeBus } from "@hhopkins/agent-runtime-protocol";
import { afterEach, describe, expect, test, vi } from "vitest";
import { natsBus } from "./nats/index.ts";
import { redisBus } from "./redis/index.ts";
import { startBusServer, type BusKind, type BusServer, type BusServerOptions } from "./testing/bus-server.ts";
import { busListener } from "./testing/bus-listener.ts";

// Against the real servers, which are killed and started again.

const BUSES: Readonly<Record<BusKind, (url: string, name?: string) => NodeBus>> = {
  redis: (url, channel) => redisBus({ url, ...(channel === undefined ? {} : { channel }) }),
  nats: (url, subject) => natsBus({ url, ...(subject === undefined ? {} : { subject }) }),
};
const WAIT = { timeout: 20_000, interval: 10 };

const ending: (() => Promise<void> | undefined)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function server(kind: BusKind, options: BusServerOptions = {}): Promise<BusServer> {
  const started = await startBusServer(kind, options);
  ending.push(() => started.stop());
  return started;
}

async function opened(bus: NodeBus): Promise<NodeBus> {
  await bus.open?.();
  ending.push(() => bus.close?.());
  return bus;
}

describe.each(["redis", "nats"] as const)("%s", (kind) => {
  test("what one node says all hear, itself too, until they stop; other clusters hear nothing", async () => {
    const { url } = await server(kind);
    const [one, two] = [await opened(BUSES[kind](url)), await opened(BUSES[kind](url))];
    const apart = await opened(BUSES[kind](url, "another"));
    const [mine, theirs, none] = [busListener(), busListener(), busListener()];
    await one.subscribe(mine);
    const stop = await two.subscribe(theirs);
    await apart.subscribe(none);
    const texts = ["häßlich ' \" \\ 🙂\r\n", "x".repeat(one.maxBytes), "🙂".repeat(one.maxBytes / 4)];
    for (const text of texts) await one.publish(text);
    await vi.waitFor(() => expect(theirs.texts).toEqual(texts), WAIT);
    await vi.waitFor(() => expect(mine.texts).toEqual(texts), WAIT);
    await stop();
    await two.publish("later");
    await vi.waitFor(() => expect(mine.texts.at(-1)).toBe("later"), WAIT);
    await apart.publish("end");
    await vi.waitFor(() => expect(none.texts).toEqual(["end"]), WAIT);
    expect([theirs.texts.length, mine.gaps]).toEqual([3, 0]);
  });

  test("the server is killed: who publishes is told; it comes back: listeners learn of the gap, and hear again", async () => {
    const { url, port, stop } = await server(kind);
    const [one, two] = [await opened(BUSES[kind](url)), await opened(BUSES[kind](url))];
    const heard = busListener();
    await two.subscribe(heard);
    await one.publish("before");
    await vi.waitFor(() => expect(heard.texts).toEqual(["before"]), WAIT);
    await stop();
    await vi.waitFor(() => expect(one.publish("lost")).rejects.toThrow(), WAIT);
    await server(kind, { port });
    await vi.waitFor(() => expect(heard.gaps).toBe(1), WAIT);
    await vi.waitFor(async () => {
      await one.publish("after");
      expect(heard.texts).toContain("after");
    }, WAIT);
    expect(heard.texts).not.toContain("lost");
  });

  test("a server that cannot be had, and a bus that is closed", async () => {
    const { url, port, stop } = await server(kind);
    const bus = await opened(BUSES[kind](url));
    await bus.close?.();
    await expect(bus.publish("x")).rejects.toThrow("not connected");
    await expect(bus.subscribe(busListener())).rejects.toThrow("not connected");
    await stop();
    const error = await BUSES[kind](`${kind}://user:secret-word@127.0.0.1:${port}`)
      .open?.()
      .then(() => undefined)
      .catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "unavailable", field: "bus" });
    expect(String(error)).toContain(`${kind}://127.0.0.1:${port}`);
    expect(String(error)).not.toContain("secret-word");
  });

  test("a user and a password, and wrong ones", async () => {
    const { port } = await server(kind, { password: "p@ss/word" });
    const address = (password: string) => `${kind}://user:${encodeURIComponent(password)}@127.0.0.1:${port}`;
    const heard = busListener();
    const bus = await opened(BUSES[kind](address("p@ss/word")));
    await bus.subscribe(heard);
    await bus.publish("in");
    await vi.waitFor(() => expect(heard.texts).toEqual(["in"]), WAIT);
    const wrong = BUSES[kind](address("secret-word"));
    await expect(wrong.open?.()).rejects.toMatchObject({ code: "unavailable", field: "bus" });
    await expect(wrong.open?.()).rejects.not.toThrow("secret-word");
  });

  test("an address that is none is refused before anything is tried", () => {
    for (const url of ["", "localhost:6379", "http://127.0.0.1:1", `${kind}:`])
      expect(() => BUSES[kind](url)).toThrow(expect.objectContaining({ code: "invalid_configuration", field: "bus" }));
  });
});

test("NATS: of several servers one that is there", async () => {
  const [gone, there] = [await server("nats"), await server("nats")];
  await gone.stop();
  const heard = busListener();
  const bus = await opened(natsBus({ url: `${gone.url},${there.url}` }));
  await bus.subscribe(heard);
  await bus.publish("in");
  await vi.waitFor(() => expect(heard.texts).toEqual(["in"]), WAIT);
});

test("a client that is not installed is named with the command that installs it", async () => {
  const missing = () => Promise.reject(new Error("Cannot find package"));
  const message = (name: string) => ({
    code: "missing_dependency",
    message: `This bus needs a package: npm install ${name}`,
  });
  const redis = redisBus({ url: "redis://127.0.0.1:1" }, missing);
  await expect(redis.open?.()).rejects.toMatchObject(message("@redis/client@6.3.1"));
  const nats = natsBus({ url: "nats://127.0.0.1:1" }, missing);
  await expect(nats.open?.()).rejects.toMatchObject(message("@nats-io/transport-node@3.4.0"));
});
