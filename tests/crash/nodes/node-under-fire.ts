import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endSandboxes, startServerProcess, type ServerProcess } from "../../testing/server-process.ts";
import { CRASH_PROFILE } from "../crash-turn.ts";
import { startGatewayProcess } from "../gateway-process.ts";

export interface NodeOptions {
  readonly name: string;
  readonly port: number;
  readonly modelUrl: string;
  readonly flags: readonly string[];
  /** Its gateway is a process of its own, which nobody kills. */
  readonly gateway: boolean;
}

/** A server with a data directory of its own that is killed, stopped and started again. */
export class NodeUnderFire implements AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  readonly #options: NodeOptions;
  readonly #before: string[] = [];
  readonly #gateway: AsyncDisposable | undefined;
  #server: ServerProcess | undefined;
  #nodeId = "";

  private constructor(options: NodeOptions, folder: string, gateway: AsyncDisposable | undefined) {
    this.#gateway = gateway;
    this.#options = options;
    this.name = options.name;
    this.folder = folder;
  }

  static async open(options: NodeOptions): Promise<NodeUnderFire> {
    const folder = await mkdtemp(join(tmpdir(), `crash-${options.name}-`));
    await mkdir(join(folder, "data"), { recursive: true });
    const config = `export default { profiles: [${JSON.stringify(CRASH_PROFILE)}] };\n`;
    await writeFile(join(folder, "agent-runtime.config.ts"), config);
    const gateway = options.gateway ? await startGatewayProcess({ folder, modelUrl: options.modelUrl }) : undefined;
    return new NodeUnderFire(options, folder, gateway);
  }

  /** By which the store knows the process that runs now. */
  get nodeId(): string {
    return this.#nodeId;
  }

  async start(): Promise<void> {
    const { port, modelUrl } = this.#options;
    const flags = [...this.#options.flags, ...(this.#gateway === undefined ? [] : ["--gateway", "external"])];
    if (this.#server !== undefined) this.#before.push(this.#server.output());
    const { folder } = this;
    this.#server = await startServerProcess({ folder, modelUrl, flags: ["--port", String(port), ...flags] });
    const nodes = join(folder, "data", "nodes");
    for (const name of await readdir(nodes)) {
      const node = JSON.parse(await readFile(join(nodes, name), "utf8")) as { nodeId: string; pid: number };
      if (node.pid === this.#server.pid) this.#nodeId = node.nodeId;
    }
  }

  async kill(): Promise<void> {
    await this.#server?.end("SIGKILL");
  }

  /** As a person does it who brings a new version: it has its time to hand over. */
  async stop(): Promise<void> {
    await this.#server?.end("SIGTERM");
  }

  pause(): void {
    if (this.#server !== undefined) process.kill(this.#server.pid, "SIGSTOP");
  }

  resume(): void {
    if (this.#server !== undefined) process.kill(this.#server.pid, "SIGCONT");
  }

  /** Lines that it has written, over all its processes. */
  lines(): string[] {
    return [...this.#before, this.#server?.output() ?? ""].join("\n").split("\n");
  }

  get sandboxes(): string {
    return join(this.folder, "data", "sandboxes");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await endSandboxes(this.folder);
    await this.#gateway?.[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
