import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../testing/free-port.ts";
import { endSandboxes, startServerProcess, type ServerProcess } from "../testing/server-process.ts";
import { runnerOf, sandboxPid } from "../testing/processes.ts";
import { CRASH_PROFILE } from "./crash-turn.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { lastWords } from "./last-words.ts";
import type { CloudGround } from "./modal-ground.ts";
import { PersistentClient } from "./persistent-client.ts";

export interface ServerUnderFireOptions {
  readonly modelUrl: string;
  /** The gateway is a process of its own, which nobody kills. */
  readonly gateway?: boolean;
  /** More flags of the server. */
  readonly flags?: readonly string[];
  /** Where its sandboxes are, if not on this host; belongs to the caller. */
  readonly cloud?: CloudGround;
}

/** A data directory and a port whose server is killed and started again. */
export class ServerUnderFire extends PersistentClient implements AsyncDisposable {
  readonly folder: string;
  readonly #options: ServerUnderFireOptions;
  readonly #port: number;
  readonly #gateway: AsyncDisposable | undefined;
  #server: ServerProcess | undefined;

  private constructor(
    options: ServerUnderFireOptions,
    at: { folder: string; port: number; gateway: AsyncDisposable | undefined },
  ) {
    super(`http://127.0.0.1:${at.port}`);
    this.#options = options;
    this.#port = at.port;
    this.#gateway = at.gateway;
    this.folder = at.folder;
  }

  static async open(options: ServerUnderFireOptions): Promise<ServerUnderFire> {
    const folder = await mkdtemp(join(tmpdir(), "crash-"));
    await writeFile(
      join(folder, "agent-runtime.config.ts"),
      `export default { profiles: [${JSON.stringify(CRASH_PROFILE)}] };\n`,
    );
    const gateway =
      options.gateway === true ? await startGatewayProcess({ folder, modelUrl: options.modelUrl }) : undefined;
    return new ServerUnderFire(options, { folder, port: await freePort(), gateway });
  }

  /** Starts the server; with a failpoint it may be dead before it listens: false then. */
  async start(failpoint?: string): Promise<boolean> {
    const flags = this.#flags();
    const environment: Record<string, string> = {
      ...this.#options.cloud?.environment,
      ...(failpoint === undefined ? {} : { AGENT_RUNTIME_FAILPOINT: failpoint }),
    };
    const { folder } = this;
    try {
      this.#server = await startServerProcess({ folder, modelUrl: this.#options.modelUrl, flags, environment });
      return true;
    } catch (error) {
      if (failpoint !== undefined && String(error).includes(`failpoint ${failpoint.replace(/:\d+$/, "")} reached`))
        return false;
      throw error;
    }
  }

  #flags(): string[] {
    const gateway = this.#gateway === undefined ? [] : ["--gateway", "external"];
    return [
      "--port",
      String(this.#port),
      ...gateway,
      ...(this.#options.cloud?.flags ?? []),
      ...(this.#options.flags ?? []),
    ];
  }

  /** Kills the server as it starts, after `ms`. */
  async startAndKill(ms: number): Promise<void> {
    const stop = new AbortController();
    const starting = startServerProcess({
      folder: this.folder,
      modelUrl: this.#options.modelUrl,
      flags: this.#flags(),
      environment: this.#options.cloud?.environment ?? {},
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(), ms);
    const server = await starting.catch(() => undefined);
    await server?.end("SIGKILL");
  }

  async kill(): Promise<void> {
    await this.#server?.end("SIGKILL");
  }

  /** Resolves when the server has died; what it wrote. */
  async died(): Promise<string> {
    await this.#server?.exited;
    return this.#server?.output() ?? "";
  }

  /** What the server has written so far. */
  get output(): string {
    return this.#server?.output() ?? "";
  }

  stop(): Promise<number | null> {
    return this.#server?.end("SIGTERM") ?? Promise.resolve(null);
  }

  async lastWords(sessionId: string): Promise<string> {
    const server = { name: "the server", dataDir: join(this.folder, "data"), lines: this.output.split("\n") };
    return [await this.standing(sessionId).catch(String), await lastWords(sessionId, [server])].join("\n");
  }

  /** A file of the session as it lies in its newest sandbox, past everything that the server knows; "" where there is none. */
  async fileInSandbox(sessionId: string, path: string): Promise<string> {
    const { cloud } = this.#options;
    if (cloud !== undefined) return cloud.readFile(sessionId, path);
    return readFile(join(await this.#workspace(sessionId), path), "utf8").catch(() => "");
  }

  /** Puts an empty file into the session's newest sandbox, from outside. */
  async writeInSandbox(sessionId: string, path: string): Promise<void> {
    await writeFile(join(await this.#workspace(sessionId), path), "");
  }

  /** Names of the sandboxes that there are on this host. */
  sandboxes(): Promise<string[]> {
    return readdir(join(this.folder, "data", "sandboxes")).catch(() => []);
  }

  /** Whether a request waits, unread, at what listens in the session's newest sandbox. */
  async isAskingInSandbox(sessionId: string): Promise<boolean> {
    const pid = await sandboxPid(join(this.folder, "data"), await this.#newest(sessionId));
    return hasUnreadRequest(await readFile(`/proc/${runnerOf(pid).pid}/net/tcp`, "utf8"));
  }

  async #workspace(sessionId: string): Promise<string> {
    return join(this.folder, "data", "sandboxes", await this.#newest(sessionId), "workspace");
  }

  async #newest(sessionId: string): Promise<string> {
    const all = await readdir(join(this.folder, "data", "sandboxes"));
    const names = all.filter((name) => name.startsWith(`${sessionId}-`));
    return `${sessionId}-${Math.max(0, ...names.map((name) => Number(name.slice(sessionId.length + 1))))}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await endSandboxes(this.folder);
    await this.#gateway?.[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** In a table of TCP connections, as /proc has it: one that was accepted, with bytes that nobody has read. */
function hasUnreadRequest(table: string): boolean {
  const LISTENING = "0A";
  const ESTABLISHED = "01";
  const rows = table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  const ports = rows.flatMap(([, local, , state]) => (state === LISTENING ? local : undefined) ?? []);
  return rows.some(
    ([, local = "", , state, queues]) =>
      state === ESTABLISHED && ports.includes(local) && Number.parseInt(queues?.split(":")[1] ?? "0", 16) > 0,
  );
}
