import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { processIdentity } from "../host-process.ts";
import type { Sandbox, SandboxProvider, SandboxRef } from "../port.ts";
import { INNER_SCRIPT, WITHOUT_END, listenInside, testSpec } from "../testing/inside.ts";
import type { Inside } from "../testing/inside.ts";
import { bubblewrapMissing, explainRefusal } from "./remedy.ts";
import { localSandbox } from "./index.ts";

const CANARY = "canary-7f3a9b";
const scratch = mkdtempSync(join(tmpdir(), "local-test-"));
const dataDir = join(scratch, "data");
const opened: Sandbox[] = [];

function provider(options: Partial<Parameters<typeof localSandbox>[0]> = {}): SandboxProvider {
  return localSandbox({ dataDir, pollMs: 20, ...options });
}

async function create(key: string, from = provider()): Promise<Sandbox> {
  const sandbox = await from.create(testSpec(key), WITHOUT_END);
  opened.push(sandbox);
  return sandbox;
}

function rootOf(key: string): string {
  return join(dataDir, "sandboxes", key);
}

beforeAll(() => {
  process.env["CANARY_KEY"] = CANARY;
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, "api-key"), CANARY);
});

afterAll(async () => {
  delete process.env["CANARY_KEY"];
  await Promise.all(opened.map((sandbox) => sandbox.terminate()));
  rmSync(scratch, { recursive: true, force: true });
});

describe("what is inside", () => {
  let sandbox: Sandbox;
  let inside: Inside;
  beforeAll(async () => {
    sandbox = await create("inside");
    inside = await listenInside(sandbox);
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
    const small = await create("small", provider({ tmpBytes: 1024 * 1024 }));
    expect(await (await listenInside(small)).shell("head -c 3000000 /dev/zero > /tmp/big || echo full")).toContain(
      "full",
    );
  });

  test("the kernel's settings cannot be written, also where the server is root", async () => {
    // As root the number 1000 inside is 0 outside, which /proc/sys trusts without any capability.
    const find = "find /proc -regex '/proc/\\([0-9]+\\|self\\|thread-self\\)' -prune -o -type f";
    expect((await inside.shell(`${find} -print | head -1`)).startsWith("/proc/")).toBe(true);
    expect(await inside.shell(`${find} -writable -print 2>/dev/null`)).toBe("");
    expect(await inside.shell("echo core > /proc/sys/kernel/core_pattern")).toContain("Read-only");
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
    opened.push(sandbox);
    const inside = await listenInside(sandbox);
    const js = `const { createRequire } = await load("node:module");
      const file = createRequire(process.env.AGENT_RUNTIME_PACKAGES + "/x.js").resolve("@scope/pack");
      return [file, (await load(file)).answer];`;
    expect(await inside.run(js)).toEqual(["/opt/harness/node_modules/@scope/pack/index.js", 42]);
    expect(
      await inside.shell(`echo 1 >> /opt/harness/node_modules/@scope/pack/index.js && echo written`),
    ).not.toContain("written");
  });
});

describe("life", () => {
  test("what identifies it is plain, private to the server, and free of the environment's values", async () => {
    const sandbox = await provider().create(
      testSpec("record", { environment: { TOKEN: "token-of-session" } }),
      WITHOUT_END,
    );
    opened.push(sandbox);
    expect(sandbox.ref).toMatchObject({ provider: "local", key: "record", sockets: expect.any(String) });
    expect(statSync(String(sandbox.ref["sockets"])).mode & 0o777).toBe(0o700);
    expect(statSync(join(rootOf("record"), "sandbox.json")).mode & 0o777).toBe(0o600);
    expect(spawnSync("grep", ["-rlF", "token-of-session", rootOf("record")], { encoding: "utf8" }).stdout).toBe("");
  });

  test("a second create with the same key gives the same sandbox, at once or later, from this server or the next", async () => {
    const first = provider();
    const [one, two] = await Promise.all([create("same", first), create("same", first)]);
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
    opened.push(sandbox!);
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
      readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && inode(`/proc/${pid}/ns/pid`) === namespace);
    expect(left().length).toBeGreaterThan(2);
    await Promise.all([sandbox.terminate(), sandbox.terminate()]);
    expect(left()).toEqual([]);
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
    opened.push(attached);
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
    const second = await create("again", from);
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
});

describe("refusals", () => {
  afterEach(() => {
    // Whatever was refused has left nothing behind.
    expect(readdirSync(join(dataDir, "sandboxes")).filter((name) => name.startsWith("refused"))).toEqual([]);
  });

  test("without bubblewrap: the remedy, and never less isolation", async () => {
    const without = provider({ path: join(scratch, "nothing-here") });
    const error = { code: "isolation_unavailable", message: expect.stringContaining("apt-get install bubblewrap") };
    await expect(without.probe!()).rejects.toMatchObject(error);
    await expect(without.create(testSpec("refused-missing"), WITHOUT_END)).rejects.toMatchObject(error);
  });

  test("a bubblewrap that is refused: its words and the remedy", async () => {
    const folder = join(scratch, "refusing");
    mkdirSync(folder);
    const bwrap = "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n";
    writeFileSync(join(folder, "bwrap"), bwrap, { mode: 0o755 });
    const refusing = provider({ path: folder });
    const error = {
      code: "isolation_unavailable",
      message: expect.stringMatching(/setting up uid map: Permission denied.*--sandbox docker/s),
    };
    await expect(refusing.probe!()).rejects.toMatchObject(error);
    await expect(refusing.create(testSpec("refused-uid"), WITHOUT_END)).rejects.toMatchObject(error);
    expect(explainRefusal("bwrap: Unknown option --disable-userns").message).toContain("0.8 or newer");
    expect(bubblewrapMissing("darwin").message).toContain("Docker");
    expect(bubblewrapMissing("win32").message).toContain("WSL 2");
  });

  test("a bubblewrap that hangs: an end after the deadline, or when it is called off", async () => {
    const folder = join(scratch, "hanging");
    mkdirSync(folder);
    writeFileSync(join(folder, "bwrap"), "#!/bin/sh\nexec /bin/sleep 1000\n", { mode: 0o755 });
    await expect(
      provider({ path: folder, startTimeoutMs: 100 }).create(testSpec("refused-slow"), WITHOUT_END),
    ).rejects.toMatchObject({
      code: "sandbox_unavailable",
    });
    const abort = new AbortController();
    const begun = provider({ path: folder }).create(testSpec("refused-off"), {
      signal: abort.signal,
      onProgress: () => abort.abort(new Error("called off")),
    });
    await expect(begun).rejects.toThrow("called off");
  });

  test("a runner that is not there, a key or an environment that is not valid", async () => {
    const missing = testSpec("refused-runner", { runner: { bundle: join(scratch, "none.mjs"), packages: {} } });
    await expect(provider().create(missing, WITHOUT_END)).rejects.toThrow("ENOENT");
    await expect(provider().create(testSpec("../refused"), WITHOUT_END)).rejects.toMatchObject({
      code: "invalid_request",
    });
    const sly = testSpec("refused-nul", { environment: { A: "1\0--bind\0/\0/host" } });
    await expect(provider().create(sly, WITHOUT_END)).rejects.toMatchObject({ code: "invalid_request" });
  });

  test("the probe starts a real sandbox and leaves nothing", async () => {
    await provider().probe!();
    expect(readdirSync(realpathSync(tmpdir())).filter((name) => name.startsWith("agent-probe-"))).toEqual([]);
  });
});

function inode(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}
