import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processIdentity } from "../../host-process.ts";
import { listenInside, testSpec, WITHOUT_END } from "../../testing/inside.ts";
import type { Inside } from "../../testing/inside.ts";
import { findGroupParents } from "./control-groups.ts";
import { localScene } from "../testing/scene.ts";

const MIB = 1024 * 1024;
/** For what comes at once where the machine is not busy. */
const SOON = { timeout: 20_000 };
const { provider, create, end, rootOf, keep } = localScene();
const bounds = findGroupParents().flatMap((parent) => parent.bounds);
const needs = (what: "memory" | "processes" | "cpus") => test.runIf(bounds.includes(what));

/** The one that keeps to its limits, and must not notice the others. */
let neighbour: Inside;
beforeAll(async () => {
  neighbour = await listenInside(await create("neighbour"));
});
afterAll(end);

async function neighbourIsFine(): Promise<void> {
  const js = `const { execFileSync } = await load("node:child_process");
    const fs = await load("node:fs");
    fs.writeFileSync("/workspace/file", Buffer.alloc(1e6));
    const kept = Buffer.alloc(32e6, 1);
    return execFileSync("/bin/echo", [fs.statSync("/workspace/file").size + kept.length], { encoding: "utf8" })`;
  expect(await neighbour.run(js)).toBe("33000000\n");
}

/** What goes while it is looked at, `find` tells as a failure: that is of no interest. */
const groupsOf = (key: string): string =>
  spawnSync("find", ["/sys/fs/cgroup", "-type", "d", "-name", `${key}.*`], { encoding: "utf8" }).stdout;

needs("memory")("memory: a command that takes too much is killed, the agent goes on", async () => {
  const inside = await listenInside(await create("command-eats", { spec: { limits: { memoryBytes: 256 * MIB } } }));
  const eat = `const kept = []; while (kept.length < 100) kept.push(Buffer.alloc(8e6, 1))`;
  expect(await inside.shell(`node -e '${eat}'; echo "ended with $?"`)).toMatch(/ended with 137\n$/);
  expect(await inside.run("return 1 + 1")).toBe(2);
  // Files in /tmp and /dev/shm are memory that no end of a process frees: they have less of it.
  const fill =
    "head -c 100000000 /dev/zero > /tmp/big; head -c 100000000 /dev/zero > /dev/shm/big; du -m /tmp/big /dev/shm/big | cut -f1";
  expect(await inside.shell(fill)).toMatch(/No space left[^]*No space left[^]*\n64\n64\n$/);
  await neighbourIsFine();
});

needs("memory")("memory: a sandbox whose runner takes too much ends, and says that it was out of memory", async () => {
  const sandbox = await create("runner-eats", { spec: { limits: { memoryBytes: 200 * MIB } } });
  const inside = await listenInside(sandbox);
  inside.run("globalThis.kept = []; while (kept.length < 100) kept.push(Buffer.alloc(8e6, 1))").catch(() => undefined);
  expect((await sandbox.ended).reason).toBe("out of memory: the sandbox has used up its 200 MiB of memory");
  await neighbourIsFine();
});

needs("processes")("processes: a fork bomb finds no more, and its sandbox can be ended", async () => {
  const sandbox = await create("forks", { spec: { limits: { processes: 64 } } });
  const inside = await listenInside(sandbox);
  const bomb = "i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done";
  expect(
    await inside.run(`const { spawn } = await load("node:child_process");
    const bomb = spawn("/bin/sh", ["-c", ${JSON.stringify(bomb)}], { stdio: ["ignore", "ignore", "pipe"] });
    let said = ""; for await (const data of bomb.stderr) { said += data; if (said.includes("fork")) break; } return said`),
  ).toMatch(/[Cc]annot fork|Resource temporarily unavailable/);
  await neighbourIsFine();
  await sandbox.terminate();
  expect(processIdentity(Number(sandbox.ref["pid"]))).toBeNull();
});

test("processes: 512 where nobody says otherwise", async () => {
  const inside = await listenInside(await create("defaults"));
  expect(await inside.shell("ulimit -p 2>/dev/null || ulimit -u")).toBe("512\n");
  if (bounds.includes("processes")) {
    const [group = ""] = groupsOf("defaults")
      .split("\n")
      .filter((path) => existsSync(join(path, "pids.max")));
    expect(readFileSync(join(group, "pids.max"), "utf8")).toBe("512\n");
  }
});

needs("cpus")("cpus: two busy loops get half a processor between them", async () => {
  const inside = await listenInside(await create("busy", { spec: { limits: { cpus: 0.5 } } }));
  // Time on the processor for each second that passed: no absolute times.
  const busy = `const end = performance.now() + 1500; const from = process.cpuUsage(); const at = performance.now();
    while (performance.now() < end); const { user, system } = process.cpuUsage(from);
    console.log((user + system) / 1000 / (performance.now() - at))`;
  const said = await inside.shell(`node -e '${busy}' & node -e '${busy}' & wait`);
  const shares = said.trim().split("\n").map(Number);
  expect(shares).toHaveLength(2);
  expect(shares.reduce((a, b) => a + b)).toBeLessThan(0.75);
  await neighbourIsFine();
});

test("open files and the size of a file: the errors that programs know", async () => {
  const spec = { limits: { openFiles: 100, fileBytes: MIB } };
  const sandbox = await create("files", { spec });
  const inside = await listenInside(sandbox);
  const open = `const fs = await load("node:fs"); const open = [];
    try { for (;;) open.push(fs.openSync("/dev/null")) } catch (error) { return [error.code, open.length < 100] } finally { open.map(fs.closeSync) }`;
  expect(await inside.run(open)).toEqual(["EMFILE", true]);
  const write = `const fs = await load("node:fs");
    try { fs.writeFileSync("/workspace/large", Buffer.alloc(${2 * MIB})) } catch (error) { return [error.code, fs.statSync("/workspace/large").size] }`;
  expect(await inside.run(write)).toEqual(["EFBIG", MIB]);
  // Programs that the server starts there have the same.
  const { stdout, exited } = await sandbox.exec([
    "/bin/sh",
    "-c",
    "ulimit -n; ulimit -f; grep Seccomp: /proc/self/status",
  ]);
  expect(await text(stdout)).toBe(`100\n${MIB / 512}\nSeccomp:\t2\n`);
  expect((await exited).code).toBe(0);
  // What is set is set for good, for the sandbox's user at least.
  expect(await inside.shell("ulimit -n 5000 || ulimit -f unlimited || echo refused")).toContain("refused");
  await neighbourIsFine();
});

test("disk: what is over its limit is ended and says so; its files stay until they are removed", async () => {
  const sandbox = await create("fills", { spec: { limits: { diskBytes: 8 * MIB } } });
  const inside = await listenInside(sandbox);
  await inside.shell("head -c 4000000 /dev/zero > /workspace/a");
  expect(await sandbox.status()).toBe("running");
  inside
    .shell("head -c 3000000 /dev/zero > /home/agent/b; head -c 3000000 /dev/zero > /state/c")
    .catch(() => undefined);
  expect((await sandbox.ended).reason).toMatch(/^out of disk: the sandbox had \d+ MiB of files .* may have 8 MiB$/);
  expect(existsSync(join(rootOf("fills"), "workspace", "a"))).toBe(true);
  await neighbourIsFine();
  await sandbox.terminate();
  expect(existsSync(rootOf("fills"))).toBe(false);
});

test("disk: a great many empty files, and folders that are closed, count too", { timeout: 90_000 }, async () => {
  const many = await create("many", { spec: { limits: { diskBytes: 4 * MIB } } });
  const js = `const fs = await load("node:fs"); for (let i = 0; i < 9000; i++) fs.writeFileSync("/workspace/" + i, "")`;
  const closed = await create("closed", { spec: { limits: { diskBytes: 4 * MIB } } });
  (await listenInside(many)).run(js).catch(() => undefined);
  (await listenInside(closed))
    .shell("mkdir /workspace/d; head -c 5000000 /dev/zero > /workspace/d/a; chmod 0 /workspace/d")
    .catch(() => undefined);
  expect((await many.ended).reason).toContain("out of disk");
  expect((await closed.ended).reason).toContain("out of disk");
});

test("disk: files without a name count as long as they are open", async () => {
  const sandbox = await create("nameless", { spec: { limits: { diskBytes: 4 * MIB } } });
  const inside = await listenInside(sandbox);
  const js = `const fs = await load("node:fs"); const file = fs.openSync("/workspace/file", "w"); fs.unlinkSync("/workspace/file");
    fs.writeSync(file, Buffer.alloc(6e6, 1));`;
  inside.run(js).catch(() => undefined);
  expect((await sandbox.ended).reason).toContain("out of disk");
});

needs("processes")("a start that finds no free process fails in time, and leaves nothing", async () => {
  const spec = testSpec("starved", { limits: { processes: 3 } });
  const from = provider({ startTimeoutMs: 3000 });
  const started = from.create(spec, WITHOUT_END).then(async (sandbox) => {
    keep(sandbox);
    await sandbox.ended;
    throw new Error("it started, and ended");
  });
  await expect(started).rejects.not.toMatchObject({ code: "isolation_unavailable" });
  await expect.poll(() => groupsOf("starved"), SOON).toBe("");
});

test("a limit that is none is refused by name", async () => {
  for (const limits of [{ processes: 0 }, { memoryBytes: 1.5 }, { cpus: -1 }, { disc: 1 } as object]) {
    await expect(provider().create(testSpec("wrong", { limits }), WITHOUT_END)).rejects.toMatchObject({
      code: "invalid_request",
      field: "limits",
    });
  }
  expect(existsSync(rootOf("wrong"))).toBe(false);
});

test("the kernel's groups go with their sandbox: ended, died, or left by a server that died", async () => {
  const ended = await create("gone-ended");
  const died = await create("gone-died");
  const left = await create("gone-left");
  if (bounds.length > 0) for (const key of ["gone-ended", "gone-died", "gone-left"]) expect(groupsOf(key)).not.toBe("");
  await ended.terminate();
  process.kill(Number(died.ref["pid"]), "SIGKILL");
  await left.release();
  process.kill(Number(left.ref["pid"]), "SIGKILL");
  await expect.poll(() => processIdentity(Number(left.ref["pid"])), SOON).toBeNull();
  await provider().list({ deployment: "test" });
  for (const key of ["gone-ended", "gone-left"]) expect(groupsOf(key)).toBe("");
  await expect.poll(() => groupsOf("gone-died"), SOON).toBe("");
  await neighbourIsFine();
});
