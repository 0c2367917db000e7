import { spawn, spawnSync } from "node:child_process";
import { existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A PostgreSQL for one run of tests or of a benchmark. */
export interface PostgresServer {
  /** Its superuser, in the database `postgres`. */
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

const USER = "agent_runtime";
const PASSWORD = "only-for-tests";
const READY_MS = 30_000;
const NOBODY = 65_534;

/**
 * Starts one with its data in `folder`, which other users must be able to reach, on a free loopback port. It ends with this process, however that ends.
 * `durable`: commits wait for the disk, as anybody's would. Throws where no PostgreSQL is installed.
 */
export async function startPostgres(folder: string, { durable = false } = {}): Promise<PostgresServer> {
  const programs = programFolder();
  const owner = process.getuid?.() === 0 ? ordinaryUser() : undefined;
  const data = join(folder, "data");
  await mkdir(data, { recursive: true });
  await chmod(folder, 0o711);
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, PASSWORD);
  if (owner !== undefined) for (const path of [data, passwordFile]) await chown(path, owner.uid, owner.gid);
  const init = ["-D", data, "-U", USER, "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8", "--locale=C"];
  const as = { ...owner, cwd: "/", encoding: "utf8" as const };
  const made = spawnSync(join(programs, "initdb"), [...init, "--no-sync"], as);
  if (made.status !== 0) throw new Error(`initdb: ${made.error?.message ?? made.stderr}`);
  const port = await freePort();
  const fast = durable ? [] : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];
  const settings = ["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories=", "max_connections=300"];
  const flags = [...settings, ...fast].flatMap((setting) => ["-c", setting]);
  const logFile = join(folder, "postgres.log");
  const log = openSync(logFile, "a");
  const server = [join(programs, "postgres"), "-D", data, ...flags];
  const [program = "", ...args] = existsSync("/usr/bin/setpriv")
    ? ["/usr/bin/setpriv", "--pdeathsig", "QUIT", ...server]
    : server;
  const child = spawn(program, args, { ...owner, cwd: "/", stdio: ["ignore", log, log] });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("error", () => undefined);
  const stop = async (): Promise<void> => {
    // At once: nobody wants the data.
    child.kill("SIGQUIT");
    await exited;
  };
  const deadline = performance.now() + READY_MS;
  while (!readFileSync(logFile, "utf8").includes("ready to accept connections")) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`PostgreSQL does not start here: ${readFileSync(logFile, "utf8").slice(-500)}`);
    }
    await sleep(20);
  }
  const [version = ""] =
    /(?<=\(PostgreSQL\) )[\d.]+/.exec(spawnSync(join(programs, "postgres"), ["--version"], as).stdout) ?? [];
  return {
    url: `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`,
    version: `PostgreSQL ${version}`,
    stop,
  };
}

/** Where Debian puts the programs, the newest version first, or a folder of the search path. */
function programFolder(): string {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env["PATH"] ?? "").split(":").filter((folder) => folder !== ""),
  ];
  const found = folders.find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name))));
  if (found === undefined) throw new Error("no PostgreSQL server is installed (postgresql on Debian)");
  return found;
}

/** PostgreSQL refuses to run as root. */
function ordinaryUser(): { uid: number; gid: number } {
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  return { uid: Number(uid ?? NOBODY), gid: Number(gid ?? NOBODY) };
}

/** A loopback port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
