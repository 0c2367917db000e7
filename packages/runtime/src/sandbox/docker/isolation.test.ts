import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Sandbox } from "../port.ts";
import { listenInside } from "../testing/inside.ts";
import type { Inside } from "../testing/inside.ts";
import { dockerScene } from "./testing/scene.ts";

const CANARY = "canary-5e1d77";
/** Containers take their time on a busy machine. */
const SLOW_MS = 120_000;
const scene = await dockerScene();
const { scratch, provider, create, rootOf, end } = scene;

vi.setConfig({ testTimeout: SLOW_MS, hookTimeout: SLOW_MS });
let sandbox: Sandbox;
let inside: Inside;
beforeAll(async () => {
  if (scene.missing !== null) return;
  process.env["CANARY_KEY"] = CANARY;
  sandbox = await create("inside");
  inside = await listenInside(sandbox);
});
beforeEach(scene.orSkip);
afterAll(async () => {
  delete process.env["CANARY_KEY"];
  await end();
});

test("the server's environment is not, and its folders are not named", async () => {
  expect(await inside.run("return process.env")).toEqual({
    AGENT_RUNTIME_HOME: "/home/agent",
    AGENT_RUNTIME_PACKAGES: "/opt/harness",
    AGENT_RUNTIME_SOCKETS: "/run/host",
    AGENT_RUNTIME_STATE: "/state",
    AGENT_RUNTIME_WORKSPACE: "/workspace",
    HOME: "/home/agent",
    HOSTNAME: "sandbox",
    LANG: "C.UTF-8",
    LOGNAME: "agent",
    PATH: expect.stringContaining("/usr/bin"),
    PWD: "/workspace",
    SHELL: "/bin/bash",
    SHOWN: "yes",
    TMPDIR: "/tmp",
    USER: "agent",
  });
  const seen = await inside.shell("for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do tr '\\0' '\\n' < $f; done");
  expect(seen).not.toContain(CANARY);
  expect(seen).not.toContain(scratch);
});

test("files of the host, other sandboxes and the engine's socket are not", async () => {
  await create("other");
  for (const path of [scratch, rootOf("other"), import.meta.dirname, "/var/run/docker.sock", "/run/docker.sock"]) {
    expect(await inside.run(`return (await load("node:fs")).existsSync(${JSON.stringify(path)})`), path).toBe(false);
  }
  expect(existsSync(import.meta.dirname)).toBe(true);
  // The engine would put the host's name servers there.
  expect(await inside.shell("grep -c . /etc/resolv.conf")).toBe("0\n");
});

test("an ordinary user without capabilities, under our filter of system calls, and no way to be more", async () => {
  expect(await inside.shell("id -u; id -un; hostname; pwd")).toBe("59877\nagent\nsandbox\n/workspace\n");
  expect(await inside.shell("grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):' /proc/self/status")).toMatch(
    /^(Cap\w+:\t0{16}\n){5}NoNewPrivs:\t1\nSeccomp:\t2\n$/,
  );
  const processes = await inside.run(
    `return (await load("node:fs")).readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).length`,
  );
  expect(processes).toBeLessThan(4);
});

/** Python reaches the system calls; each line is a call and what it says, 0 or the error's name. */
const CALLS = `
import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(name, number, *arguments):
  ctypes.set_errno(0)
  code = libc.syscall(number, *arguments)
  print(name, 0 if code >= 0 else errno.errorcode[ctypes.get_errno()])
x64 = os.uname().machine == "x86_64"
call("unshare", 272 if x64 else 97, 0x10000000)
call("bpf", 321 if x64 else 280, 0, 0, 0)
call("keyctl", 250 if x64 else 219, 0, 0)
call("ptrace", 101 if x64 else 117, 0, 0, 0, 0)
call("userfaultfd", 323 if x64 else 282, 1)
call("io_uring_setup", 425, 1, 0)
call("clone3", 435, 0, 0)
call("perf_event_open", 298 if x64 else 241, 0, 0, 0, 0, 0)
call("open_tree", 428, -100, b"/", 0)
call("getpid", 39 if x64 else 172)
for name, family, kind, protocol in (("vsock", 40, 1, 0), ("packet", 17, 3, 0), ("raw", 2, 3, 1), ("tcp", 2, 1, 0)):
  try:
    socket.socket(family, kind, protocol).close()
    print(name, 0)
  except OSError as error:
    print(name, errno.errorcode[error.errno])
`;

test("system calls that lead out fail, ordinary ones do not", async () => {
  const said = await inside.shell(`python3 -c '${CALLS}'`);
  expect(said.trim().split("\n")).toEqual([
    ...["unshare", "bpf", "keyctl", "ptrace", "userfaultfd", "io_uring_setup"].map((name) => `${name} EPERM`),
    "clone3 ENOSYS",
    "perf_event_open EPERM",
    "open_tree EPERM",
    "getpid 0",
    "vsock EPERM",
    "packet EPERM",
    "raw EPERM",
    "tcp 0",
  ]);
  // The same calls where nothing fences them in: they are real.
  const engines = await create("engines", { from: provider({ seccomp: "engine" }) });
  expect(await (await listenInside(engines)).shell(`python3 -c '${CALLS}'`)).toMatch(
    /ptrace (?!EPERM)|clone3 E(?!NOSYS)/,
  );
});

test("no network but its own loopback", async () => {
  expect(await inside.run(`return Object.keys((await load("node:os")).networkInterfaces())`)).toEqual(["lo"]);
  const server = createServer((socket) => socket.end("host")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const dial = (host: string): string => `const net = await load("node:net");
    return new Promise((resolve) => net.connect({ host: "${host}", port: ${port} }).on("connect", () => resolve("connected")).on("error", (e) => resolve(e.code)));`;
  expect(await inside.run(dial("127.0.0.1"))).toBe("ECONNREFUSED");
  expect(await inside.run(dial("192.0.2.1"))).toBe("ENETUNREACH");
  server.close();
});

test("only workspace, home, state and the sized /tmp, /var/tmp and /dev/shm can be written", async () => {
  const writable = ["/workspace", "/home/agent", "/state", "/tmp", "/var/tmp", "/dev/shm"];
  const closed = ["/", "/etc", "/usr", "/opt", "/opt/runtime", "/opt/harness", "/run", "/run/host", "/home", "/dev"];
  for (const path of writable)
    expect(await inside.shell(`echo 1 > ${path}/file && cat ${path}/file`), path).toBe("1\n");
  for (const path of [...closed, "/var", "/proc/sys/kernel", "/sys/kernel"])
    expect(await inside.shell(`echo 1 > ${path}/file && echo written`), path).not.toContain("written");
  expect(await inside.shell("echo evil >> /etc/passwd && echo written")).not.toContain("written");
  const small = await create("small", { from: provider({ tmpBytes: 1024 * 1024 }) });
  const fill = "head -c 3000000 /dev/zero > /tmp/big || echo full";
  expect(await (await listenInside(small)).shell(fill)).toContain("full");
});

/** Starts more programs than there may be; which errors that gave. */
const FORK_BOMB = `const { spawn } = await load("node:child_process");
  const { once } = await load("node:events");
  const all = Array.from({ length: 60 }, () => spawn("sleep", ["100"], { stdio: "ignore" }));
  const errors = await Promise.all(all.map((one) => Promise.race([
    once(one, "error").then(([error]) => error.code), once(one, "spawn").then(() => null)])));
  // Those that began count until they are gone.
  await Promise.all(all.map((one, at) => errors[at] === null && one.kill("SIGKILL") && once(one, "exit")));
  return [...new Set(errors.filter((code) => code !== null))];`;

const FILL = `for (let at = 0; at < 20; at++) (await load("node:fs")).writeFileSync("/state/" + at, Buffer.alloc(1e6))`;

test("limits: each is hit, says so, and does not reach a neighbour", async () => {
  const limits = { memoryBytes: 200 * 1024 * 1024, processes: 40, openFiles: 64, fileBytes: 1024 * 1024, cpus: 0.5 };
  const limited = await create("limited", { spec: { limits } });
  const tight = await listenInside(limited);
  expect(await tight.shell("head -c 2000000 /dev/zero > big; wc -c < big")).toContain("1048576\n");
  expect(await tight.shell("ulimit -n")).toBe("64\n");
  expect(await tight.run(FORK_BOMB)).toEqual(["EAGAIN"]);
  const cpus = await tight.shell("cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null");
  expect(cpus).toContain("50000");
  const filling = await create("filling", { spec: { limits: { diskBytes: 8 * 1024 * 1024 } } });
  await (await listenInside(filling)).run(FILL);
  expect((await filling.ended).reason).toMatch(/out of disk: .* may have 8 MiB/);
  tight.run("const all = []; for (;;) all.push(Buffer.alloc(10_000_000, 1))").catch(() => undefined);
  expect((await limited.ended).reason).toContain("out of memory");
  expect(await inside.run("return 'unaffected'")).toBe("unaffected");
});
