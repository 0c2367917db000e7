import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Sandbox } from "../port.ts";
import { INNER_SCRIPT, WITHOUT_END, listenInside, testSpec } from "../testing/inside.ts";
import type { Inside } from "../testing/inside.ts";
import { localScene } from "./testing/scene.ts";

const CANARY = "canary-7f3a9b";
const { scratch, dataDir, provider, create, keep, rootOf, end } = localScene();

let sandbox: Sandbox;
let inside: Inside;
beforeAll(async () => {
  process.env["CANARY_KEY"] = CANARY;
  writeFileSync(join(dataDir, "api-key"), CANARY);
  sandbox = await create("inside");
  inside = await listenInside(sandbox);
});

afterAll(() => {
  delete process.env["CANARY_KEY"];
  return end();
});

test("the server's environment is not: neither in the runner's, nor in any process's start environment", async () => {
  expect(await inside.run("return process.env")).toEqual({
    AGENT_RUNTIME_HOME: "/home/agent",
    AGENT_RUNTIME_PACKAGES: "/opt/harness",
    AGENT_RUNTIME_SOCKETS: "/run/host",
    AGENT_RUNTIME_STATE: "/state",
    AGENT_RUNTIME_WORKSPACE: "/workspace",
    HOME: "/home/agent",
    LANG: "C.UTF-8",
    LOGNAME: "agent",
    PATH: expect.stringContaining("/usr/bin"),
    PWD: "/workspace",
    SHELL: expect.stringMatching(/^\/bin\/(ba)?sh$/),
    SHOWN: "yes",
    TMPDIR: "/tmp",
    USER: "agent",
  });
  const environments = await inside.shell(
    "for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do tr '\\0' '\\n' < $f; echo; done",
  );
  expect(environments).not.toContain(CANARY);
  expect(environments).not.toContain(scratch);
  expect(await inside.run(`return (await load("node:fs")).readFileSync("/proc/1/environ", "utf8")`)).toBe("");
});

test("files of the host are not: data directory, other sandboxes, users, the server's folders", async () => {
  const other = await create("other");
  for (const path of [
    dataDir,
    rootOf("other"),
    scratch,
    import.meta.dirname,
    "/root",
    "/home/other",
    "/var/lib",
    "/boot",
    "/sys/kernel",
    "/etc/shadow",
    "/etc/ssh",
  ]) {
    expect(await inside.run(`return (await load("node:fs")).existsSync(${JSON.stringify(path)})`), path).toBe(false);
  }
  expect(await inside.shell("ls /")).toBe(
    "bin\ndev\netc\nhome\nlib\n" +
      (existsSync("/lib64") ? "lib64\n" : "") +
      "opt\nproc\nrun\nsbin\nstate\ntmp\nusr\nvar\nworkspace\n",
  );
  expect(await inside.shell("cat /etc/passwd")).toContain("agent:x:1000:1000:");
  expect(await inside.shell("grep -c . /etc/resolv.conf")).toBe("0\n");
  await other.terminate();
});

test("no other processes, own names and ids, no capabilities, no way to new namespaces", async () => {
  expect(await inside.shell("id -u; id -g; hostname; pwd")).toBe("1000\n1000\nsandbox\n/workspace\n");
  const pids = await inside.run(
    `return (await load("node:fs")).readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).length`,
  );
  expect(pids).toBeLessThan(4);
  expect(await inside.shell("grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status")).toMatch(
    /^(Cap\w+:\t0{16}\n){5}NoNewPrivs:\t1\n$/,
  );
  expect(await inside.shell("unshare --user true && echo allowed")).not.toContain("allowed");
  for (const namespace of ["user", "pid", "ipc", "uts", "net", "mnt"]) {
    const link = await inside.run(`return (await load("node:fs")).readlinkSync("/proc/self/ns/${namespace}")`);
    expect(link).not.toBe(execFileSync("readlink", [`/proc/self/ns/${namespace}`], { encoding: "utf8" }).trim());
  }
});

test("no network but its own loopback", async () => {
  const interfaces = await inside.run(`return Object.keys((await load("node:os")).networkInterfaces())`);
  expect(interfaces).toEqual(["lo"]);
  const dial = (host: string): string => `const net = await load("node:net");
    return new Promise((resolve) => net.connect({ host: "${host}", port: 80 }).on("connect", () => resolve("connected")).on("error", (e) => resolve(e.code)));`;
  expect(await inside.run(dial("192.0.2.1"))).toBe("ENETUNREACH");
  const echo = `const net = await load("node:net");
    const server = net.createServer((socket) => socket.end("hi")).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    return new Promise((resolve) => net.connect(server.address().port, "127.0.0.1").on("data", (data) => { server.close(); resolve(String(data)); }));`;
  expect(await inside.run(echo)).toBe("hi");
});

test("only workspace, home, state and the sized /tmp and /dev/shm can be written", async () => {
  const writable = ["/workspace", "/home/agent", "/state", "/tmp", "/var/tmp", "/dev/shm"];
  const closed = [
    "/",
    "/etc",
    "/usr",
    "/opt",
    "/opt/runtime",
    "/opt/harness",
    "/run",
    "/run/host",
    "/home",
    "/dev",
    "/var",
    "/proc/sys",
  ];
  for (const path of writable)
    expect(await inside.shell(`echo 1 > ${path}/file && cat ${path}/file`), path).toBe("1\n");
  for (const path of closed)
    expect(await inside.shell(`echo 1 > ${path}/file && echo written`), path).not.toContain("written");
  expect(await inside.shell("echo 1 > /dev/null && echo fine")).toBe("fine\n");
  const small = await create("small", { from: provider({ tmpBytes: 1024 * 1024 }) });
  expect(await (await listenInside(small)).shell("head -c 3000000 /dev/zero > /tmp/big || echo full")).toContain(
    "full",
  );
});

test("the kernel's settings cannot be written, also where the server is root", async () => {
  // As root the number 1000 inside is 0 outside, which /proc/sys trusts without any capability.
  const find = "find /proc -regex '/proc/\\([0-9]+\\|self\\|thread-self\\)' -prune -o -type f";
  expect((await inside.shell(`${find} -print | head -1`)).startsWith("/proc/")).toBe(true);
  expect(await inside.shell(`${find} -writable -print 2>/dev/null`)).toBe("");
  expect(await inside.shell("true >> /proc/sys/kernel/core_pattern")).toMatch(
    process.getuid?.() === 0 ? /Read-only/ : /Read-only|Permission denied/,
  );
});

test("descriptors of the server are not: only those of standard input and output", async () => {
  const links = await inside.shell("for p in /proc/[0-9]*; do readlink $p/fd/*; done");
  expect(links).not.toMatch(/status\.json|bubblewrap-options|sandbox\.json/);
});

test("harness packages are there as files, with the symlinks to them resolved", async () => {
  const store = join(scratch, "store", "package-1.0.0");
  mkdirSync(store, { recursive: true });
  writeFileSync(join(store, "package.json"), '{"name":"@scope/pack","type":"module","main":"index.js"}');
  writeFileSync(join(store, "index.js"), "export const answer = 42;");
  execFileSync("ln", ["-s", store, join(scratch, "link")]);
  const spec = testSpec("packages", {
    runner: { bundle: INNER_SCRIPT, packages: { "@scope/pack": join(scratch, "link") } },
  });
  const sandbox = await provider().create(spec, WITHOUT_END);
  keep(sandbox);
  const inside = await listenInside(sandbox);
  const js = `const { createRequire } = await load("node:module");
    const file = createRequire(process.env.AGENT_RUNTIME_PACKAGES + "/x.js").resolve("@scope/pack");
    return [file, (await load(file)).answer];`;
  expect(await inside.run(js)).toEqual(["/opt/harness/node_modules/@scope/pack/index.js", 42]);
  expect(await inside.shell(`echo 1 >> /opt/harness/node_modules/@scope/pack/index.js && echo written`)).not.toContain(
    "written",
  );
});
