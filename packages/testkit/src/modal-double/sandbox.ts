import { join } from "node:path";
import { Status } from "nice-grpc";
import { type Box, startBox } from "./box.ts";
import { Exec } from "./exec.ts";
import { makeId, makeSandboxId } from "./ids.ts";
import type { Image } from "./image.ts";
import type { BoxLimits } from "./limits.ts";
import { type GenericResult, type SandboxDefinition, makeResult, refuse } from "./sdk.ts";
import type { Variables } from "./secrets.ts";
import { type Tree, copyTree, removeTree } from "./tree.ts";

export type SandboxEnd = "exited" | "terminated" | "timeout" | "idle-timeout";

export interface SandboxPlan {
  readonly version: 1 | 2;
  readonly appId: string;
  readonly image: Image;
  readonly definition: SandboxDefinition;
  readonly variables: Variables;
  readonly tags: Readonly<Record<string, string>>;
  /** The control group that those of all sandboxes are in. */
  readonly group: string;
  /** Its own, for its tree and for what its programs say. */
  readonly folder: string;
  /** Seconds since 1970; no two are alike. */
  readonly createdAt: number;
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** What `execs` calls the sandbox's own command. */
export const ENTRYPOINT = "entrypoint";

/** One sandbox: a box on this machine, with Modal's rules for its life. */
export class DoubleSandbox {
  readonly id: string;
  readonly taskId = makeId("ta");
  readonly plan: SandboxPlan;
  readonly execs = new Map<string, Exec>();
  name: string;
  tags: Readonly<Record<string, string>>;
  networkAccess: SandboxDefinition["networkAccess"];
  tree: Tree | null = null;
  #box: Box | null = null;
  #end: { readonly how: SandboxEnd; readonly code: number } | null = null;
  readonly #ended = Promise.withResolvers<void>();
  #timeout: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(plan: SandboxPlan) {
    this.plan = plan;
    this.id = makeSandboxId(plan.version);
    this.name = plan.definition.name ?? "";
    this.tags = plan.tags;
    this.networkAccess = plan.definition.networkAccess;
  }

  get running(): boolean {
    return this.#end === null;
  }

  get state(): SandboxEnd | "running" {
    return this.#end?.how ?? "running";
  }

  get limited(): boolean {
    return this.#box?.limited ?? false;
  }

  /** Resolves when it has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get environment(): Variables {
    const { image, variables } = this.plan;
    const modal = { MODAL_SANDBOX_ID: this.id, MODAL_TASK_ID: this.taskId };
    return { PATH, HOME: "/root", LANG: "C.UTF-8", ...modal, ...image.environment, ...variables };
  }

  get workdir(): string {
    return this.plan.definition.workdir ?? this.plan.image.workdir;
  }

  /** Rejects when it cannot be started; then nothing of it is left. */
  async start(): Promise<void> {
    const { definition, folder, image } = this.plan;
    this.tree = await copyTree(image.tree, join(folder, "tree"));
    const outputs = join(folder, "outputs");
    const box = await startBox({
      tree: this.tree,
      outputs,
      group: `${this.plan.group}/${this.id}`,
      limits: this.#limits(),
    });
    this.#box = box;
    if (!this.running) return this.#destroy();
    void box.ended.then(() => this.#finish("exited", 137));
    this.#timeout = setTimeout(() => this.#finish("timeout", 124), (definition.timeoutSecs ?? 300) * 1000);
    this.#restartIdleClock();
    await this.#startEntrypoint(definition.entrypointArgs ?? []);
  }

  /** Where it asks for none, this machine is still to be kept from harm. */
  #limits(): BoxLimits {
    const { memoryMbMax = 0, milliCpuMax = 0 } = this.plan.definition.resources ?? {};
    const memoryBytes = (memoryMbMax === 0 ? 4096 : memoryMbMax) * 1024 * 1024;
    return { memoryBytes, processes: 512, ...(milliCpuMax === 0 ? {} : { cpus: milliCpuMax / 1000 }) };
  }

  async #startEntrypoint(command: readonly string[]): Promise<void> {
    if (command.length === 0) return;
    const exec = await this.#launch(ENTRYPOINT, { command, cwd: this.workdir, environment: this.environment });
    void exec.exited.then(({ code, signal = 0 }) => this.#finish("exited", code ?? 128 + signal));
  }

  /** Throws NOT_FOUND when it has ended. */
  box(): Box {
    if (this.#box === null || !this.running) throw refuse(Status.NOT_FOUND, `Task ${this.taskId} is not running`);
    return this.#box;
  }

  async exec(id: string, request: { command: readonly string[]; cwd: string; environment: Variables }): Promise<Exec> {
    const exec = await this.#launch(id, request);
    clearTimeout(this.#idle);
    void exec.exited.then(() => this.#restartIdleClock());
    return exec;
  }

  async #launch(
    id: string,
    request: { command: readonly string[]; cwd: string; environment: Variables },
  ): Promise<Exec> {
    const box = this.box();
    try {
      const exec = new Exec(request.command, await box.start(request));
      this.execs.set(id, exec);
      return exec;
    } catch (error) {
      if (!this.running) throw refuse(Status.NOT_FOUND, `Task ${this.taskId} is not running`);
      throw refuse(Status.INVALID_ARGUMENT, `Failed to start ${request.command[0] ?? ""}: ${String(error)}`);
    }
  }

  /** A program that runs keeps it awake; its own command does not. */
  #restartIdleClock(): void {
    const seconds = this.plan.definition.idleTimeoutSecs;
    const busy = [...this.execs].some(([id, exec]) => id !== ENTRYPOINT && exec.exit === null);
    if (seconds === undefined || busy || !this.running) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#finish("idle-timeout", 0), seconds * 1000);
  }

  get result(): Partial<GenericResult> | undefined {
    if (this.#end === null) return undefined;
    const { how, code } = this.#end;
    const words = { terminated: "terminated", timeout: "timeout", "idle-timeout": "idleTimeout" } as const;
    return makeResult(how === "exited" ? (code === 0 ? "success" : "failure") : words[how], { exitcode: code });
  }

  async terminate(): Promise<void> {
    this.#finish("terminated", 137);
    await this.#destroy();
  }

  #finish(how: SandboxEnd, code: number): void {
    if (this.#end !== null) return;
    this.#end = { how, code };
    clearTimeout(this.#timeout);
    clearTimeout(this.#idle);
    this.#ended.resolve();
    this.#destroy().catch(() => undefined);
  }

  #destroyed: Promise<void> | undefined;

  /** Everything of it ends, and its disk goes. */
  #destroy(): Promise<void> {
    if (this.#box === null) return Promise.resolve();
    this.#destroyed ??= this.#box.end().then(() => removeTree(join(this.plan.folder, "tree")));
    return this.#destroyed;
  }
}
