import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import type { SandboxRef } from "../port.ts";
import { WITHOUT_END, listenInside, testSpec } from "../testing/inside.ts";
import { dockerScene } from "./testing/scene.ts";

/** Containers take their time on a busy machine. */
const SLOW_MS = 120_000;

const scene = await dockerScene();
const { docker, dataDir, provider, create, keep, rootOf, containers } = scene;

vi.setConfig({ testTimeout: SLOW_MS, hookTimeout: SLOW_MS });
beforeEach(scene.orSkip);
afterAll(scene.end);

test("what identifies it is plain, private to the server, and free of the environment's values", async () => {
  const sandbox = await create("record", { spec: { environment: { TOKEN: "token-of-session" } } });
  expect(sandbox.ref).toMatchObject({ provider: "docker", key: "record", sockets: expect.any(String) });
  expect(statSync(String(sandbox.ref["sockets"])).mode & 0o777).toBe(0o700);
  expect(statSync(join(rootOf("record"), "sandbox.json")).mode & 0o777).toBe(0o600);
  expect(spawnSync("grep", ["-rlF", "token-of-session", rootOf("record")], { encoding: "utf8" }).stdout).toBe("");
  expect(JSON.stringify(sandbox.ref)).not.toContain("token-of-session");
});

test("a second create with the same key gives the same sandbox, at once or later, from this server or the next", async () => {
  const first = provider();
  const [one, two, other] = await Promise.all([
    create("same", { from: first }),
    create("same", { from: first }),
    create("same"),
  ]);
  expect(two).toBe(one);
  expect(other.ref).toEqual(one.ref);
  expect(await (await listenInside(one)).run("return 1")).toBe(1);
  await one.release();
  const again = await create("same");
  expect(again.ref).toEqual(one.ref);
  expect(again).not.toBe(one);
});

test("it outlives the server that made it; the next one attaches, listens again, and ends it", async () => {
  const { host, image } = scene.engine;
  const options = JSON.stringify({ dataDir, host, image });
  const script = `import { dockerSandbox } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
    import { WITHOUT_END, listenInside, testSpec } from ${JSON.stringify(join(import.meta.dirname, "../testing/inside.ts"))};
    const sandbox = await dockerSandbox(${options}).create(testSpec("outlives"), WITHOUT_END);
    const inside = await listenInside(sandbox);
    await inside.run("globalThis.remembered = 'from the first server'");
    console.log(JSON.stringify(sandbox.ref));
    setInterval(() => undefined, 1000);`;
  const server = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
  server.kill("SIGKILL");
  await once(server, "exit");
  const ref = JSON.parse(line) as SandboxRef;
  const next = provider();
  expect(await next.list({ deployment: "test" })).toContainEqual({ ref, tags: testSpec("outlives").tags });
  expect(await next.list({ deployment: "another" })).toEqual([]);
  const sandbox = await next.attach(ref);
  keep(sandbox!);
  const inside = await listenInside(sandbox!);
  expect(await inside.run("return globalThis.remembered")).toBe("from the first server");
  await sandbox!.terminate();
  expect(await next.attach(ref)).toBeNull();
});

test("terminate ends everything and removes container, folders and sockets", async () => {
  const sandbox = await create("ends");
  const inside = await listenInside(sandbox);
  await inside.shell("setsid sleep 1000 >/dev/null 2>&1 & mkdir -p deep; ln -s / deep/root; chmod 0 deep");
  await Promise.all([sandbox.terminate(), sandbox.terminate()]);
  expect(await containers()).not.toContain(sandbox.ref["container"]);
  expect(existsSync(rootOf("ends"))).toBe(false);
  expect(existsSync(String(sandbox.ref["sockets"]))).toBe(false);
  expect((await sandbox.ended).reason).toContain("terminated");
  expect(await sandbox.status()).toBe("gone");
  await sandbox.terminate();
});

test("its end is told with the exit code and the last lines of its log, from a later server too", async () => {
  const sandbox = await create("dies");
  await sandbox.release();
  const attached = (await provider().attach(sandbox.ref))!;
  keep(attached);
  const inside = await listenInside(attached);
  inside.run(`console.error("the \\u001b[31mlast words"); process.exit(7)`).catch(() => undefined);
  expect((await attached.ended).reason).toMatch(/exit code 7: [^]*the {2}\[31mlast words/);
  expect(await attached.status()).toBe("gone");
});

test("a container that is removed, or started again, by somebody else is gone", async () => {
  const removed = await create("removed");
  await docker.getContainer(String(removed.ref["container"])).remove({ force: true });
  // Killed first and then removed: whoever asks may be in between.
  expect((await removed.ended).reason).toMatch(/exit code 137|was removed/);
  expect(await provider().attach(removed.ref)).toBeNull();
  const restarted = await create("restarted");
  await restarted.release();
  await docker.getContainer(String(restarted.ref["container"])).restart({ t: 0 });
  expect(await restarted.status()).toBe("gone");
  expect(await provider().attach(restarted.ref)).toBeNull();
  expect(await containers()).not.toContain(restarted.ref["container"]);
});

test("one that a person has paused is unreachable, and goes on", async () => {
  const sandbox = await create("paused");
  const container = docker.getContainer(String(sandbox.ref["container"]));
  await container.pause();
  expect(await sandbox.status()).toBe("unreachable");
  await container.unpause();
  expect(await sandbox.status()).toBe("running");
});

test("after an end that nobody saw the same key starts again on the same disk; what is left goes after its time", async () => {
  const first = await create("again");
  await (await listenInside(first)).shell("echo kept > /state/journal");
  await first.release();
  await docker.getContainer(String(first.ref["container"])).kill();
  let now = Date.now();
  const from = provider({ now: () => now, keepDeadMs: 60_000 });
  expect(await from.attach(first.ref)).toBeNull();
  const second = await create("again", { from });
  expect(await (await listenInside(second)).shell("cat /state/journal")).toBe("kept\n");
  await second.release();
  await docker.getContainer(String(second.ref["container"])).kill();
  const third = await create("left", { from });
  await third.release();
  await docker.getContainer(String(third.ref["container"])).remove({ force: true });
  await from.list({ deployment: "test" });
  expect([existsSync(rootOf("again")), existsSync(rootOf("left"))]).toEqual([true, true]);
  now += 120_000;
  await from.list({ deployment: "test" });
  expect([existsSync(rootOf("again")), existsSync(rootOf("left"))]).toEqual([false, false]);
  expect(await containers()).not.toContain(second.ref["container"]);
});

test("a start that is called off leaves nothing", async () => {
  const before = await containers();
  for (const moment of ["Starting the sandbox", "made"]) {
    const stop = new AbortController();
    const reason = new Error("called off");
    const onProgress = (message: string): void => {
      if (message === moment) stop.abort(reason);
    };
    const starting = provider().create(testSpec("off"), { signal: stop.signal, onProgress });
    if (moment === "made") {
      starting.catch(() => undefined);
      await expect.poll(async () => (await containers()).length).toBeGreaterThan(before.length);
      stop.abort(reason);
    }
    // Called off after the start it may have come through.
    await starting.then(
      (sandbox) => sandbox.terminate(),
      (error: unknown) => {
        expect(error).toBe(reason);
      },
    );
    expect(await containers()).toEqual(before);
    expect(existsSync(rootOf("off"))).toBe(false);
  }
});

test("a server that shares the engine sees none of another's, and may use the same keys", async () => {
  const mine = await create("shared");
  const elsewhere = join(scene.scratch, "elsewhere");
  const theirs = keep(await provider({ dataDir: elsewhere }).create(testSpec("shared"), WITHOUT_END));
  expect(theirs.ref["container"]).not.toBe(mine.ref["container"]);
  const listed = await provider({ dataDir: elsewhere }).list({ deployment: "test" });
  expect(listed.map(({ ref }) => ref["container"])).toEqual([theirs.ref["container"]]);
});
