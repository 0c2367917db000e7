import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { listenOn, MAX_STREAMS } from "./host-sockets.ts";

test("a sandbox that opens streams without end gets so many; the others are closed, and one that ends makes room", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sockets-"));
  const streams = new Set<object>();
  const listener = await listenOn({ folder, channel: "runner" }, (stream) => {
    streams.add(stream);
    stream.on("close", () => streams.delete(stream));
    stream.resume();
  });
  const dial = async (): Promise<Socket> => {
    const socket = connect(join(folder, "runner.sock"));
    socket.on("error", () => undefined);
    socket.resume();
    await once(socket, "connect");
    return socket;
  };
  const all: Socket[] = [];
  for (let count = 0; count < MAX_STREAMS + 50; count += 1) all.push(await dial());
  await expect.poll(() => all.filter(({ closed }) => closed).length, { timeout: 20_000 }).toBe(50);
  expect(streams.size).toBe(MAX_STREAMS);
  all.find(({ closed }) => !closed)?.destroy();
  await expect.poll(() => streams.size, { timeout: 20_000 }).toBe(MAX_STREAMS - 1);
  await dial();
  while (streams.size < MAX_STREAMS) await setImmediate();
  await listener.close();
  for (const socket of all) socket.destroy();
  await rm(folder, { recursive: true });
});

test("a socket that another listener took is left to it while it lives, and taken back when it is gone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sockets-"));
  const heard: string[] = [];
  const listen = (name: string) =>
    listenOn({ folder, channel: "runner", lookMs: 10 }, (stream) =>
      stream.on("data", (bytes) => heard.push(`${name} ${String(bytes)}`)),
    );
  const say = async (word: string): Promise<void> => {
    const socket = connect(join(folder, "runner.sock"));
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.end(word);
    await once(socket, "close");
  };
  const [rightful, late] = [await listen("rightful"), await listen("late")];
  for (const word of ["a", "b", "c"]) await say(word);
  await expect.poll(() => heard).toEqual(["late a", "late b", "late c"]);
  await late.close();
  await expect
    .poll(() =>
      say("d").then(
        () => heard.at(-1),
        () => "nobody",
      ),
    )
    .toBe("rightful d");
  await rightful.close();
  await expect(say("e")).rejects.toThrow();
  await rm(folder, { recursive: true });
});
