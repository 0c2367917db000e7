import { mkdir } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { Status } from "nice-grpc";
import type { Apps } from "./apps.ts";
import type { Images } from "./images.ts";
import { DoubleSandbox } from "./sandbox.ts";
import { type RequestOf, isUnset, refuse } from "./sdk.ts";
import type { Secrets } from "./secrets.ts";

export interface SandboxesParts {
  readonly apps: Apps;
  readonly images: Images;
  readonly secrets: Secrets;
  readonly folder: string;
  /** See `SandboxPlan`. */
  readonly group: string;
}

export type CreateRequest = Pick<RequestOf<"sandboxCreateV2">, "appId" | "definition" | "secretSources" | "tags">;

const DAY_SECONDS = 24 * 3600;

/** All sandboxes, those that ended too. */
export class Sandboxes {
  readonly #byId = new Map<string, DoubleSandbox>();
  readonly #parts: SandboxesParts;
  #lastCreated = 0;

  constructor(parts: SandboxesParts) {
    this.#parts = parts;
  }

  all(): readonly DoubleSandbox[] {
    return [...this.#byId.values()];
  }

  get(id: string): DoubleSandbox {
    const sandbox = this.#byId.get(id);
    if (sandbox === undefined) throw refuse(Status.NOT_FOUND, `Sandbox with ID '${id}' not found`);
    return sandbox;
  }

  byTask(taskId: string): DoubleSandbox {
    const sandbox = this.all().find((sandbox) => sandbox.taskId === taskId);
    if (sandbox === undefined) throw refuse(Status.NOT_FOUND, `Task ${taskId} not found`);
    return sandbox;
  }

  /** The running one of that name; with `ended`, else the last that ended. */
  byName(app: { appId: string; name: string }, ended = false): DoubleSandbox {
    const named = this.all().filter((sandbox) => sandbox.plan.appId === app.appId && sandbox.name === app.name);
    const found = named.find((sandbox) => sandbox.running) ?? (ended ? named.at(-1) : undefined);
    if (found === undefined) throw refuse(Status.NOT_FOUND, `Sandbox with name '${app.name}' not found`);
    return found;
  }

  async create(version: 1 | 2, request: CreateRequest): Promise<DoubleSandbox> {
    const { apps, images, secrets, folder, group } = this.#parts;
    const { appId = "", definition = {}, secretSources = [], tags = [] } = request;
    apps.nameOf(appId);
    checkDefinition(definition);
    checkNetwork(definition.networkAccess);
    const image = images.get(definition.imageId ?? "");
    this.refuseTakenName({ appId, name: definition.name ?? "" });
    const variables = secrets.merge([...(definition.secretIds ?? [])], secretSources);
    const createdAt = this.#nextCreated();
    const own = join(folder, String(createdAt));
    await mkdir(own, { recursive: true });
    // Asked again after the wait: nothing comes between this and the sandbox's entry.
    this.refuseTakenName({ appId, name: definition.name ?? "" });
    const plan = { version, appId, image, definition, variables, tags: tagsOf(tags), folder: own, group, createdAt };
    const sandbox = new DoubleSandbox(plan);
    this.#byId.set(sandbox.id, sandbox);
    try {
      await sandbox.start();
    } catch (error) {
      this.#byId.delete(sandbox.id);
      await sandbox.terminate();
      throw error;
    }
    return sandbox;
  }

  refuseTakenName(app: { appId: string; name: string }): void {
    if (app.name === "") return;
    const taken = this.all().some(
      (sandbox) => sandbox.running && sandbox.plan.appId === app.appId && sandbox.name === app.name,
    );
    if (taken) throw refuse(Status.ALREADY_EXISTS, `Sandbox with name '${app.name}' already exists`);
  }

  #nextCreated(): number {
    this.#lastCreated = Math.max(Date.now() / 1000, this.#lastCreated + 0.001);
    return this.#lastCreated;
  }

  /** Gone without a trace: nobody knows it any more. */
  async vanish(id: string): Promise<void> {
    const sandbox = this.get(id);
    this.#byId.delete(id);
    for (const exec of sandbox.execs.values()) exec.lost.abort();
    await sandbox.terminate();
  }

  async endAll(): Promise<void> {
    await Promise.all(this.all().map((sandbox) => sandbox.terminate()));
  }
}

export function tagsOf(
  tags: readonly { readonly tagName?: string; readonly tagValue?: string }[],
): Record<string, string> {
  return Object.fromEntries(tags.map(({ tagName = "", tagValue = "" }) => [tagName, tagValue]));
}

/** Throws INVALID_ARGUMENT for what is no block of addresses. */
export function checkNetwork(access: { readonly allowedCidrs?: readonly string[] } | undefined): void {
  for (const cidr of access?.allowedCidrs ?? []) {
    const [address = "", bits = ""] = cidr.split("/");
    const version = isIP(address);
    if (version === 0 || !/^\d+$/u.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) {
      throw refuse(Status.INVALID_ARGUMENT, `Invalid CIDR: ${cidr}`);
    }
  }
}

/** Of a sandbox's definition: what the double carries out, and what it only keeps for the report. */
const UNDERSTOOD = new Set(
  (
    "entrypointArgs imageId secretIds timeoutSecs workdir openPorts name idleTimeoutSecs networkAccess " +
    "resources schedulerPlacement cloudProviderStr verbose runtime experimentalOptionsV2"
  ).split(" "),
);

/** What the double would silently leave out is refused: volumes, buckets, probes, proxies, memory snapshots, … */
function checkDefinition(definition: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(definition)) {
    if (!UNDERSTOOD.has(name) && !isUnset(value))
      throw refuse(Status.UNIMPLEMENTED, `The double's sandboxes do not know ${name}`);
  }
  const seconds = definition["timeoutSecs"];
  if (typeof seconds !== "number" || seconds < 1 || seconds > DAY_SECONDS) {
    throw refuse(Status.INVALID_ARGUMENT, `timeout_secs must be between 1 and ${DAY_SECONDS}, not ${String(seconds)}`);
  }
}
