import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { WITHOUT_END, listenInside, testSpec } from "../testing/inside.ts";
import { cuttableEngine } from "./testing/cuttable-engine.ts";
import { dockerScene } from "./testing/scene.ts";

/** Containers take their time on a busy machine. */
const SLOW_MS = 120_000;

const scene = await dockerScene();
const { docker, scratch, provider, create, keep } = scene;
/** In the test's engine's group, or in none. */
const ENGINE_GROUP = "59878";

vi.setConfig({ testTimeout: SLOW_MS, hookTimeout: SLOW_MS });
beforeEach(scene.orSkip);
afterAll(scene.end);

test("the probe starts a real sandbox and leaves nothing", async () => {
  const own = mkdtempSync(join(scratch, "tmp-"));
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = own;
  try {
    await provider().probe?.();
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
  const filters = { label: ["agent-runtime.deployment=probe"] };
  expect(await docker.listContainers({ all: true, filters })).toEqual([]);
  expect(readdirSync(own)).toEqual([]);
});

test("no engine, no permission, no package, no address: the remedy, and never less isolation", async () => {
  const refused = (options: object, code: string, message: RegExp) =>
    expect(provider(options).probe?.()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  await refused({ host: "unix:///nowhere/docker.sock" }, "isolation_unavailable", /Install and start Docker/);
  await refused({ host: "localhost:1" }, "invalid_configuration", /unix:\/\/\/PATH or tcp:/);
  await refused({ host: "tcp://127.0.0.1:1" }, "sandbox_unavailable", /cannot be reached.*docker info/);
  const dockerode = () => Promise.reject(new Error("not found"));
  await refused({ dockerode }, "missing_dependency", /npm install dockerode@5\.0\.1/);
  expect(() => provider({ seccomp: "/nowhere.json" })).toThrow(/Not a seccomp profile/);
  const said = asUser("12345", `await provider.probe().catch((error) => console.log(error.code, error.message))`);
  expect(said).toMatch(/^isolation_unavailable .*usermod -aG docker/);
});

test("an ordinary user in the engine's group has sandboxes that run as that user", () => {
  const said = asUser(
    ENGINE_GROUP,
    `const sandbox = await provider.create(testSpec("users"), WITHOUT_END);
     const inside = await listenInside(sandbox);
     console.log(await inside.shell("id -u; echo 1 > /workspace/file; stat -c %u /workspace/file"));
     await sandbox.terminate();
     console.log(await sandbox.status());`,
  );
  expect(said.trim().split(/\s+/)).toEqual(["12345", "12345", "gone"]);
});

test("an engine that hangs: an end after the time", async () => {
  const open = new Set<Socket>();
  const path = join(scratch, "hangs.sock");
  const hangs = createServer((socket) => void open.add(socket)).listen(path);
  await once(hangs, "listening");
  const stuck = provider({ host: `unix://${path}`, timeoutMs: 200 });
  await expect(stuck.create(testSpec("hangs"), WITHOUT_END)).rejects.toMatchObject({
    code: "sandbox_unavailable",
    message: expect.stringMatching(/did not answer within 200 ms/),
  });
  for (const socket of open) socket.destroy();
  hangs.close();
});

test("an engine that goes away: unreachable and not gone; the end is told when it is back", async () => {
  await using proxy = await cuttableEngine(scene.engine.host, join(scratch, "proxy.sock"));
  const through = provider({ host: proxy.host });
  const sandbox = await create("away", { from: through });
  let ended = false;
  void sandbox.ended.then(() => (ended = true));
  proxy.cut();
  expect(await sandbox.status()).toBe("unreachable");
  await expect(through.attach(sandbox.ref)).rejects.toMatchObject({ code: "isolation_unavailable" });
  expect(await (await sandbox.exec(["true"])).exited).toEqual({ code: 0 });
  expect(ended).toBe(false);
  await docker.getContainer(String(sandbox.ref["container"])).kill();
  await proxy.mend();
  expect((await sandbox.ended).reason).toContain("exit code 137");
  expect(await sandbox.status()).toBe("gone");
  await sandbox.terminate();
});

test("an image that is not there: how to fetch it, or why fetching it failed", async () => {
  const never = provider({ image: "127.0.0.1:1/none:1" }).create(testSpec("image"), WITHOUT_END);
  await expect(never).rejects.toMatchObject({
    code: "sandbox_unavailable",
    message: expect.stringMatching(/Run: docker pull 127\.0\.0\.1:1\/none:1/),
  });
  const told: string[] = [];
  const from = provider({ image: "127.0.0.1:1/none:1", pull: "missing" });
  const fetching = from.create(testSpec("image"), { ...WITHOUT_END, onProgress: (message) => void told.push(message) });
  await expect(fetching).rejects.toThrow(/fetching it failed: .*127\.0\.0\.1:1/);
  expect(told).toEqual(["Fetching the image 127.0.0.1:1/none:1"]);
  // A first start that would fetch is not refused.
  await from.probe?.();
});

test("an image without Node: what it lacks", async () => {
  const empty = Buffer.alloc(1024);
  const stream = await docker.importImage(Readable.from([empty]), { repo: "agent-runtime-empty", tag: "1" });
  await once(stream.resume(), "end");
  const image = "agent-runtime-empty:1";
  await expect(provider({ image }).probe?.()).rejects.toMatchObject({
    code: "sandbox_unavailable",
    message: expect.stringMatching(/Node 22\.18/),
  });
  await docker.getImage(image).remove();
});

test("a seccomp profile and a network of the operator's own", async () => {
  const file = join(scratch, "seccomp.json");
  const syscalls = [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }];
  writeFileSync(file, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls }));
  const network = await docker.createNetwork({ Name: "agent-runtime-own", Driver: "bridge", Internal: true });
  const own = await create("own", { from: provider({ seccomp: file, network: "agent-runtime-own" }) });
  const inside = await listenInside(own);
  expect(await inside.shell("mkdir folder")).toContain("Operation not permitted");
  expect(await inside.run(`return Object.keys((await load("node:os")).networkInterfaces()).sort()`)).toEqual([
    "eth0",
    "lo",
  ]);
  await own.terminate();
  await network.remove();
});

test("folders of the sockets are made where socketBase says, and go with their sandbox", async () => {
  const socketBase = mkdtempSync(join(tmpdir(), "base-"));
  const sandbox = keep(await provider({ socketBase }).create(testSpec("base"), WITHOUT_END));
  expect(readdirSync(socketBase)).toHaveLength(1);
  await sandbox.terminate();
  expect(readdirSync(socketBase)).toEqual([]);
});

/** Runs a program as an ordinary user with one more group, with a provider of its own. */
function asUser(group: string, program: string): string {
  const own = join(scratch, `user-${group}`);
  mkdirSync(own);
  chownSync(own, 12_345, 12_345);
  chmodSync(scratch, 0o755);
  const { host, image } = scene.engine;
  const module = (path: string): string => JSON.stringify(join(import.meta.dirname, path));
  const text = `import { dockerSandbox } from ${module("index.ts")};
    import { WITHOUT_END, listenInside, testSpec } from ${module("../testing/inside.ts")};
    const provider = dockerSandbox(${JSON.stringify({ dataDir: own, host, image, pull: "never" })});
    ${program}
    process.exit(0);`;
  const as = ["--reuid", "12345", "--regid", "12345", "--groups", group, process.execPath];
  const done = spawnSync("setpriv", [...as, "--input-type=module", "-e", text], { encoding: "utf8", cwd: "/" });
  return done.stdout + done.stderr;
}
