import { spawn, spawnSync } from "node:child_process";
import { existsSync, openSync, readFileSync } from "node:fs";
import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./postgres-server.ts";

/** A MariaDB for one run of tests or of a benchmark. */
export interface MariadbServer {
  /** An account that may do everything, without a database. */
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

const USER = "agent_runtime";
const PASSWORD = "only-for-tests";
const READY_MS = 60_000;
const NOBODY = 65_534;

/**
 * Starts one with its data in `folder`, on a free loopback port. It ends with this process, however that ends.
 * `durable`: commits wait for the disk, as anybody's would. Throws where no MariaDB is installed.
 */
export async function startMariadb(folder: string, { durable = false } = {}): Promise<MariadbServer> {
  const server = program("mariadbd", "mysqld");
  const installer = program("mariadb-install-db", "mysql_install_db");
  const owner = process.getuid?.() === 0 ? ordinaryUser() : undefined;
  const data = join(folder, "data");
  const accounts = join(folder, "accounts.sql");
  await mkdir(data, { recursive: true });
  await chmod(folder, 0o711);
  const everything = `grant all privileges on *.* to '${USER}'@'%' with grant option;`;
  await writeFile(accounts, `create user '${USER}'@'%' identified by '${PASSWORD}';\n${everything}\n`);
  if (owner !== undefined) for (const path of [data, accounts]) await chown(path, owner.uid, owner.gid);
  const as = { ...owner, cwd: "/", encoding: "utf8" as const };
  const made = spawnSync(installer, ["--no-defaults", `--datadir=${data}`, "--skip-test-db", "--skip-log-bin"], as);
  if (made.status !== 0) throw new Error(`${installer}: ${made.error?.message ?? made.stderr}`);
  const port = await freePort();
  const fast = durable
    ? []
    : [
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=OFF",
        "--debug-no-sync",
        "--innodb-file-per-table=OFF",
      ];
  const flags = [
    "--no-defaults",
    `--datadir=${data}`,
    `--socket=${join(data, "server.sock")}`,
    `--init-file=${accounts}`,
    "--bind-address=127.0.0.1",
    `--port=${port}`,
    "--skip-name-resolve",
    "--skip-log-bin",
    "--max-connections=300",
    "--innodb-buffer-pool-size=256M",
    "--performance-schema=OFF",
    // As Debian sets it up, not as it comes.
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--max-allowed-packet=16M",
    ...fast,
  ];
  const logFile = join(folder, "mariadb.log");
  const log = openSync(logFile, "a");
  const [first, before] = existsSync("/usr/bin/setpriv")
    ? ["/usr/bin/setpriv", ["--pdeathsig", "KILL", server]]
    : [server, []];
  const child = spawn(first, [...before, ...flags], { ...owner, cwd: "/", stdio: ["ignore", log, log] });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("error", () => undefined);
  const stop = async (): Promise<void> => {
    // At once: nobody wants the data.
    child.kill("SIGKILL");
    await exited;
  };
  const deadline = performance.now() + READY_MS;
  while (!readFileSync(logFile, "utf8").includes("ready for connections")) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop();
      throw new Error(`MariaDB does not start here: ${readFileSync(logFile, "utf8").slice(-500)}`);
    }
    await sleep(20);
  }
  const [, said = "?"] = / Ver (\S+?)-MariaDB/.exec(spawnSync(server, ["--version"], as).stdout) ?? [];
  return { url: `mysql://${USER}:${PASSWORD}@127.0.0.1:${port}/`, version: `MariaDB ${said}`, stop };
}

function program(...names: string[]): string {
  const folders = ["/usr/sbin", "/usr/bin", ...(process.env["PATH"] ?? "").split(":").filter((one) => one !== "")];
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  if (found === undefined) throw new Error("no MariaDB server is installed (mariadb-server on Debian)");
  return found;
}

/** A database server has no business being root. */
function ordinaryUser(): { uid: number; gid: number } {
  const [, uid, gid] = /^mysql:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8")) ?? [];
  return { uid: Number(uid ?? NOBODY), gid: Number(gid ?? NOBODY) };
}
