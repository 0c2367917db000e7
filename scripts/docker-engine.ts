import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createReadStream, existsSync, lstatSync, mkdirSync, openSync, readFileSync, realpathSync } from "node:fs";
import { copyFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What tests are told: an engine of their own with an image in it, or why there is none. */
type Answer = { readonly host: string; readonly image: string; readonly version: string } | { readonly none: string };

interface Engine {
  readonly answer: Answer;
  stop(): Promise<void>;
}

const READY_MS = 30_000;
const STOP_MS = 20_000;
/** Group that may speak to the engine, so that tests can be an ordinary user in it. */
export const ENGINE_GROUP = 59_878;

/**
 * A Docker engine for one run of tests, started when a test first asks: whoever connects to the socket whose path is in
 * AGENT_RUNTIME_TEST_DOCKER gets one line of JSON, an `Answer`. It has a root of its own, and no network at all.
 */
export async function offerDockerEngine(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "test-docker-"));
  let engine: Promise<Engine> | undefined;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    engine ??= startEngine(folder).catch((error: unknown) => ({
      answer: { none: error instanceof Error ? error.message : String(error) },
      stop: async () => undefined,
    }));
    void engine.then(({ answer }) => socket.end(`${JSON.stringify(answer)}\n`));
  });
  const path = join(folder, "offer.sock");
  await new Promise<void>((resolve) => server.listen(path, resolve));
  process.env["AGENT_RUNTIME_TEST_DOCKER"] = path;
  return async () => {
    server.close();
    await (await engine)?.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function startEngine(folder: string): Promise<Engine> {
  const given = process.env["AGENT_RUNTIME_TEST_DOCKER_HOST"];
  if (given !== undefined) return useEngine(folder, given);
  const program = ["/usr/sbin/dockerd", "/usr/bin/dockerd", "/usr/local/bin/dockerd"].find((path) => existsSync(path));
  if (process.platform !== "linux" || program === undefined) {
    throw new Error(
      "no Docker engine is installed (docker.io on Debian), and AGENT_RUNTIME_TEST_DOCKER_HOST names none",
    );
  }
  if (process.getuid?.() !== 0) {
    throw new Error(
      "a Docker engine of the tests' own needs root; AGENT_RUNTIME_TEST_DOCKER_HOST can name another one",
    );
  }
  const socket = join(folder, "docker.sock");
  const logFile = join(folder, "dockerd.log");
  const log = openSync(logFile, "a");
  const flags = [
    "--bridge=none",
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--ip-masq=false",
    "--data-root",
    join(folder, "data"),
    "--exec-root",
    join(folder, "exec"),
    "--pidfile",
    join(folder, "pid"),
    "-H",
    `unix://${socket}`,
    "--group",
    String(ENGINE_GROUP),
  ];
  // It goes with this process, however that ends; its mounts are its own, and it reaches no network.
  const inside = ["--net", "--mount", "--propagation", "slave", "setpriv", "--pdeathsig", "TERM", program, ...flags];
  const child = spawn("unshare", inside, {
    stdio: ["ignore", log, log],
    // dockerd looks for containerd, runc and docker-init.
    env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  let ended = false;
  const exited = new Promise<void>((resolve) =>
    child.once("close", () => {
      ended = true;
      resolve();
    }),
  );
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await Promise.race([exited, sleep(STOP_MS, undefined, { ref: false })]);
    if (!ended) child.kill("SIGKILL");
    await exited;
  };
  const deadline = performance.now() + READY_MS;
  while (!(await answers(socket))) {
    if (ended || performance.now() > deadline) {
      await stop();
      const said = readFileSync(logFile, "utf8").trim().split("\n").slice(-3).join(" | ");
      throw new Error(`dockerd does not start here: ${said}`);
    }
    await sleep(50);
  }
  // Not for everybody: the folder is private, and tests that are another user come through a group.
  spawnSync("chmod", ["711", folder]);
  try {
    return { answer: await withImage(folder, `unix://${socket}`), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An engine that is there already: it gets our image for as long as the tests run. */
async function useEngine(folder: string, host: string): Promise<Engine> {
  if (!host.startsWith("unix://")) throw new Error("AGENT_RUNTIME_TEST_DOCKER_HOST is unix:///PATH");
  const answer = await withImage(folder, host);
  const socket = host.slice("unix://".length);
  return {
    answer,
    stop: async () => void (await call(socket, { method: "DELETE", path: `/images/${answer.image}?force=1` })),
  };
}

async function answers(socket: string): Promise<boolean> {
  return (await call(socket, { method: "GET", path: "/_ping" }).catch(() => null))?.status === 200;
}

async function withImage(folder: string, host: string): Promise<{ host: string; image: string; version: string }> {
  const socket = host.slice("unix://".length);
  const archive = await packImage(folder);
  const name = `agent-runtime-test:${randomUUID().slice(0, 8)}`;
  const [repo, tag] = name.split(":");
  const path = `/images/create?fromSrc=-&repo=${repo}&tag=${tag}&changes=${encodeURIComponent("ENV PATH=/usr/local/bin:/usr/bin:/bin")}`;
  const made = await call(socket, { method: "POST", path, file: archive });
  await rm(archive);
  if (made.status !== 200 || made.body.includes("errorDetail")) throw new Error(`docker import: ${made.body}`);
  const { Version } = JSON.parse((await call(socket, { method: "GET", path: "/version" })).body) as { Version: string };
  return { host, image: name, version: Version };
}

function call(
  socketPath: string,
  { method, path, file }: { method: string; path: string; file?: string },
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts).toString() }));
      answer.on("error", reject);
    });
    sent.on("error", reject);
    if (file === undefined) sent.end();
    else createReadStream(file).on("error", reject).pipe(sent);
  });
}

/** Debian packages whose files, with those that they need, make the image: what docs/sandboxes.md asks of one. */
const PACKAGES =
  "bash coreutils dash grep sed findutils tar gzip git util-linux procps libc-bin curl python3 python3-venv hostname diffutils mawk libstdc++6".split(
    " ",
  );

/** A root file system of this host's own packages, with the Node that runs the tests: no registry is needed. */
async function packImage(folder: string): Promise<string> {
  const depends = [
    "depends",
    "--installed",
    "--recurse",
    "--no-recommends",
    "--no-suggests",
    "--no-conflicts",
    "--no-breaks",
    "--no-replaces",
    "--no-enhances",
  ];
  const closure = run("apt-cache", [...depends, ...PACKAGES])
    .split("\n")
    .filter((line) => /^[a-z0-9]/.test(line) && !/^(lib)?perl/.test(line));
  const files = run("dpkg", ["-L", ...new Set(closure)])
    .split("\n")
    .filter(
      (path) => path.startsWith("/") && !/^\/(etc|usr\/share\/(doc|man|locale|info|lintian|bug))(\/|$)/.test(path),
    );
  const list = join(folder, "image.list");
  const links = ["usr/bin/awk", "etc/alternatives/awk"].filter((path) => existsSync(`/${path}`));
  await writeFile(list, `${[...links, ...new Set(files.flatMap(plainPath))].join("\n")}\n`);
  const archive = join(folder, "image.tar");
  run("tar", ["-C", "/", "-cf", archive, "-T", list]);
  const own = join(folder, "image");
  await makeOwnPart(own);
  run("tar", ["-C", own, "-rf", archive, "--owner=0", "--group=0", "."]);
  await rm(own, { recursive: true });
  return archive;
}

/** A file's path without symlinks in its folders, so that no folder comes twice; nothing for folders. */
function plainPath(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory() || dirname(path) === "/") return [];
  return [join(realpathSync(dirname(path)), basename(path)).slice(1)];
}

async function makeOwnPart(own: string): Promise<void> {
  for (const path of ["proc", "sys", "dev", "run", "root", "home", "etc", "usr/local/bin", "tmp", "var/tmp"])
    mkdirSync(join(own, path), { recursive: true });
  run("chmod", ["1777", join(own, "tmp"), join(own, "var/tmp")]);
  for (const name of ["bin", "sbin", "lib", "lib64"]) await symlink(`usr/${name}`, join(own, name));
  await copyFile(realpathSync(process.execPath), join(own, "usr/local/bin/node"));
  await copyFile("/etc/ld.so.cache", join(own, "etc/ld.so.cache"));
  await writeFile(join(own, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
}

function run(program: string, args: readonly string[]): string {
  const done = spawnSync(program, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  // dpkg -L complains of packages without files of their own.
  if (done.error !== undefined || (done.status !== 0 && program !== "dpkg"))
    throw new Error(`${program}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}
