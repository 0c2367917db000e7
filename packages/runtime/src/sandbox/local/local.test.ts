import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { processIdentity } from "../host-process.ts";
import type { SandboxRef } from "../port.ts";
import { WITHOUT_END, listenInside, testSpec } from "../testing/inside.ts";
import { localScene } from "./testing/scene.ts";

const { dataDir, provider, create, keep, rootOf, end } = localScene();

afterAll(end);

test("what identifies it is plain, private to the server, and free of the environment's values", async () => {
  const sandbox = await provider().create(
    testSpec("record", { environment: { TOKEN: "token-of-session" } }),
    WITHOUT_END,
  );
  keep(sandbox);
  expect(sandbox.ref).toMatchObject({ provider: "local", key: "record", sockets: expect.any(String) });
  expect(statSync(String(sandbox.ref["sockets"])).mode & 0o777).toBe(0o700);
  expect(statSync(join(rootOf("record"), "sandbox.json")).mode & 0o777).toBe(0o600);
  expect(spawnSync("grep", ["-rlF", "token-of-session", rootOf("record")], { encoding: "utf8" }).stdout).toBe("");
});

test("a second create with the same key gives the same sandbox, at once or later, from this server or the next", async () => {
  const first = provider();
  const [one, two] = await Promise.all([create("same", { from: first }), create("same", { from: first })]);
  expect(two).toBe(one);
  await one.release();
  const again = await create("same");
  expect(again.ref).toEqual(one.ref);
  expect(again).not.toBe(one);
});

test("it outlives the server that made it; the next one attaches, listens again, and ends it", async () => {
  const script = `import { localSandbox } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
    import { WITHOUT_END, listenInside, testSpec } from ${JSON.stringify(join(import.meta.dirname, "../testing/inside.ts"))};
    const sandbox = await localSandbox({ dataDir: ${JSON.stringify(dataDir)} }).create(testSpec("outlives"), WITHOUT_END);
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
  expect(sandbox).not.toBeNull();
  keep(sandbox!);
  const inside = await listenInside(sandbox!);
  expect(await inside.run("return globalThis.remembered")).toBe("from the first server");
  await sandbox!.terminate();
  expect(processIdentity(Number(ref["pid"]))).toBeNull();
  expect(await next.attach(ref)).toBeNull();
});

test("a server that dies between the start and the record of it leaves nothing that is not found", async () => {
  const sandbox = await create("unrecorded");
  await sandbox.release();
  const file = join(rootOf("unrecorded"), "sandbox.json");
  const { process: known, ...starting } = JSON.parse(execFileSync("cat", [file], { encoding: "utf8" })) as Record<
    string,
    unknown
  >;
  writeFileSync(file, JSON.stringify(starting));
  const again = await create("unrecorded");
  expect(again.ref).toEqual(sandbox.ref);
  expect(again.ref["pid"]).toBe((known as { pid: number }).pid);
});

test("terminate ends everything, grandchildren in sessions of their own too, and removes the disk", async () => {
  const sandbox = await create("ends");
  const inside = await listenInside(sandbox);
  await inside.shell("setsid sleep 1000 >/dev/null 2>&1 & mkdir -p deep; ln -s / deep/root; chmod 0 deep");
  const namespace = statSync(`/proc/${String(sandbox.ref["pid"])}/ns/pid`).ino;
  const left = (): string[] =>
    readdirSync("/proc").filter(
      (pid) => /^\d+$/.test(pid) && processIdentity(Number(pid)) !== null && inode(`/proc/${pid}/ns/pid`) === namespace,
    );
  // By identity: numbers of processes, and of namespaces too, are soon another's.
  const ran = left().map((pid) => [pid, processIdentity(Number(pid))]);
  expect(ran.length).toBeGreaterThan(2);
  await Promise.all([sandbox.terminate(), sandbox.terminate()]);
  expect(ran.filter(([pid, identity]) => processIdentity(Number(pid)) === identity)).toEqual([]);
  expect(existsSync(rootOf("ends"))).toBe(false);
  expect(existsSync(String(sandbox.ref["sockets"]))).toBe(false);
  expect((await sandbox.ended).reason).toContain("terminated");
  expect(await sandbox.status()).toBe("gone");
  await sandbox.terminate();
});

test("its end is told with the exit code and the last lines of its log, from a later server too", async () => {
  const sandbox = await create("dies");
  const ref = sandbox.ref;
  await sandbox.release();
  const attached = (await provider().attach(ref))!;
  keep(attached);
  const inside = await listenInside(attached);
  inside.run(`console.error("the \\u001b[31mlast words"); process.exit(7)`).catch(() => undefined);
  expect((await attached.ended).reason).toMatch(/exit code 7: [^]*the {2}\[31mlast words/);
  expect(await attached.status()).toBe("gone");
});

test("after an end that nobody saw the same key starts again on the same disk; the disk goes after its time", async () => {
  let now = 0;
  const first = await create("again");
  await (await listenInside(first)).shell("echo kept > /state/journal");
  await first.release();
  process.kill(Number(first.ref["pid"]), "SIGKILL");
  await expect.poll(() => processIdentity(Number(first.ref["pid"]))).toBeNull();
  const from = provider({ now: () => now, keepDeadMs: 1000 });
  expect(await from.attach(first.ref)).toBeNull();
  const second = await create("again", { from });
  expect(await (await listenInside(second)).shell("cat /state/journal")).toBe("kept\n");
  await second.release();
  process.kill(Number(second.ref["pid"]), "SIGKILL");
  await expect.poll(() => processIdentity(Number(second.ref["pid"]))).toBeNull();
  await from.list({ deployment: "test" });
  expect(existsSync(rootOf("again"))).toBe(true);
  now = 1001;
  await from.list({ deployment: "test" });
  expect(existsSync(rootOf("again"))).toBe(false);
});

test("sockets stay reachable inside after the listener was closed and opened again", async () => {
  const sandbox = await create("listens");
  const first = await listenInside(sandbox);
  await expect(sandbox.accept("runner", () => undefined)).rejects.toMatchObject({ code: "internal" });
  await first.close();
  const second = await listenInside(sandbox);
  expect(await second.run("return 1 + 1")).toBe(2);
});

function inode(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}
