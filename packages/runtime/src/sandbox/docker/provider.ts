import { realpath } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { ContainerInspectInfo } from "dockerode";
import { z } from "zod";
import { effectiveLimits } from "../effective-limits.ts";
import { NO_ENVIRONMENTS } from "../environment-mounts.ts";
import type { EnvironmentMounts, MountedEnvironment } from "../environment-mounts.ts";
import { foldersOf, removeFolders, removeSocketFolder, sweepEnded } from "../host-folders.ts";
import { hostPlace } from "../host-place.ts";
import { readRecord, writeRecord } from "../host-record.ts";
import type { RunnerFiles, SandboxLimits, SandboxProvider, SandboxRef, SandboxSpec, SandboxTags } from "../port.ts";
import { SandboxKey, byKey, checkSpec } from "../sandbox-key.ts";
import { containerUser, prepareFolders } from "./container-folders.ts";
import type { PreparedFolders } from "./container-folders.ts";
import { containerRequest } from "./container-request.ts";
import { inspectContainer, reasonOfEnd } from "./container-watch.ts";
import {
  createContainer,
  listContainers,
  nameTaken,
  removeContainer,
  startContainer,
  startMade,
} from "./containers.ts";
import { DockerSandbox, refOf } from "./docker-sandbox.ts";
import type { ContainerRun } from "./docker-sandbox.ts";
import type { Engine } from "./engine.ts";
import { ensureImage, imagePath } from "./image.ts";
import type { PullPolicy } from "./image.ts";
import { containerName, labelFilter, readLabels } from "./labels.ts";
import { explainStart } from "./remedy.ts";
import { sweepContainer, sweepFolders } from "./sweep.ts";

export interface DockerProviderOptions {
  /** Absolute. */
  readonly dataDir: string;
  readonly socketBase: string | undefined;
  readonly image: string;
  readonly pull: PullPolicy;
  readonly limits: SandboxLimits | undefined;
  readonly tmpBytes: number;
  readonly network: string;
  readonly seccomp: string | null;
  /** How long what a sandbox that died unseen has left is kept, in ms. */
  readonly keepDeadMs: number;
  readonly now: () => number;
}

/** How long another creator may take until its container can be seen. */
const ADOPTION_MS = 10_000;

const Ref = z.object({ provider: z.literal("docker"), key: SandboxKey, container: z.string(), startedAt: z.string() });

export function dockerProvider(
  engine: Engine,
  options: DockerProviderOptions,
  environments: EnvironmentMounts = NO_ENVIRONMENTS,
): SandboxProvider {
  const { dataDir } = options;
  const held = new Map<string, DockerSandbox>();
  const alone = byKey();

  /** The object of a container that runs; the same one as long as it is the same run. */
  function hold(run: ContainerRun): DockerSandbox {
    const known = held.get(run.container);
    if (known?.ref["startedAt"] === run.startedAt) return known;
    const sandbox: DockerSandbox = new DockerSandbox({
      engine,
      run,
      folders: foldersOf(run.dataDir, run.key),
      remove: () => alone(run.key, () => remove(run)),
      onForget: () => {
        if (held.get(run.container) === sandbox) held.delete(run.container);
      },
    });
    held.set(run.container, sandbox);
    return sandbox;
  }

  async function remove({ key, container, sockets, dataDir: folders }: ContainerRun): Promise<void> {
    await removeContainer(engine, container);
    // Its folders may be another one's by now: one that was made after this one had died.
    const record = await readRecord(folders, key);
    if (record !== null && record.sockets === sockets) await removeFolders(folders, key);
    await removeSocketFolder(sockets);
  }

  /** A container of that name that runs, or that somebody has made and not started yet. */
  async function adopt(name: string, key: string): Promise<DockerSandbox | null> {
    const found = await inspectContainer(engine, name);
    if (found === null) return null;
    if (readLabels(found.Config.Labels)?.key !== key) throw nameTaken(name);
    const started = found.State.Status === "created" ? await startMade(engine, found.Id) : found;
    const run = started === null ? null : runOf(started);
    if (run !== null) return hold(run);
    // It has ended; what it left in its folders is for the next one.
    if (started !== null) await removeContainer(engine, started.Id);
    return null;
  }

  async function start(
    spec: SandboxSpec,
    made: { image: string; environment: MountedEnvironment | undefined },
    signal: AbortSignal,
  ): Promise<DockerSandbox> {
    const { socketBase } = options;
    const { image } = made;
    const name = containerName(dataDir, spec.tags.deployment, spec.key);
    const user = containerUser();
    const prepared = await prepareFolders(spec, { dataDir, socketBase, user, environment: made.environment });
    try {
      signal.throwIfAborted();
      const runner = await resolved(spec.runner);
      const { sockets } = prepared.record;
      const folders = foldersOf(dataDir, spec.key);
      const environment = await withPath(made.environment, image);
      const plan = { ...options, spec: { ...spec, runner }, folders, sockets, image, environment, user };
      const limits = effectiveLimits(spec.limits, options.limits);
      const id = await createContainer(engine, name, containerRequest({ ...plan, limits }));
      if (id === null) return await adoptMade(name, spec.key, prepared);
      signal.throwIfAborted();
      await startContainer(engine, id);
      const found = await inspectContainer(engine, id);
      signal.throwIfAborted();
      const run = found === null ? null : runOf(found);
      if (run !== null) return hold(run);
      const why = found === null ? "it was removed" : await reasonOfEnd(engine, found, signal);
      throw new RuntimeError("sandbox_unavailable", `The sandbox ended as it started: ${why}`);
    } catch (error) {
      // Where that fails the folders stay for what may still come to run in them; a later `list` sweeps both.
      await discard(name, prepared).catch(() => undefined);
      throw error instanceof RuntimeError ? explainStart(options.image, error) : error;
    }
  }

  async function withPath(environment: MountedEnvironment | undefined, image: string) {
    return environment === undefined ? undefined : { ...environment, path: await imagePath(engine, image) };
  }

  /** Removes what was made, and no other's container of that name. */
  async function discard(name: string, { record, undo }: PreparedFolders): Promise<void> {
    const left = await inspectContainer(engine, name);
    if (left !== null) {
      if (readLabels(left.Config.Labels)?.sockets !== record.sockets) return;
      await removeContainer(engine, left.Id);
    }
    await undo();
  }

  /** Another creator was faster: its container is the one, with the sockets that it has. */
  async function adoptMade(name: string, key: string, { record }: PreparedFolders): Promise<DockerSandbox> {
    const deadline = performance.now() + ADOPTION_MS;
    let sandbox = await adopt(name, key);
    // The engine gives a name away before it knows of the container.
    while (sandbox === null && performance.now() < deadline) {
      await sleep(50);
      sandbox = await adopt(name, key);
    }
    if (sandbox === null) throw new RuntimeError("sandbox_unavailable", `Sandbox ${key} ended as it started`);
    if (sandbox.sockets !== record.sockets) {
      await writeRecord(dataDir, { ...record, sockets: sandbox.sockets });
      await removeSocketFolder(record.sockets);
    }
    return sandbox;
  }

  return {
    name: "docker",
    place: `docker:${hostPlace({ processes: false })}`,
    async create(spec, { signal, onProgress }) {
      checkSpec(spec);
      return alone(spec.key, async () => {
        signal.throwIfAborted();
        const found = await adopt(containerName(dataDir, spec.tags.deployment, spec.key), spec.key);
        if (found !== null) return found;
        const image = await ensureImage(engine, options, { signal, onProgress });
        const environment = await environments.mount(spec, { signal, onProgress });
        try {
          onProgress("Starting the sandbox");
          return await start(spec, { image, environment }, signal);
        } finally {
          environment?.release();
        }
      });
    },
    async prepare(wanted, how) {
      await ensureImage(engine, options, how);
      const environment = await environments.mount({ key: "", ...wanted }, how);
      environment?.release();
    },
    async attach(ref) {
      const { data } = Ref.safeParse(ref);
      if (data === undefined) {
        throw new RuntimeError("internal", "This is not a reference of the sandbox provider docker");
      }
      return alone(data.key, async () => {
        const found = await inspectContainer(engine, data.container);
        const run = found === null ? null : runOf(found);
        if (run === null) return null;
        if (run.startedAt === data.startedAt) return hold(run);
        // Somebody has started it again: what runs now is not what the session had.
        await removeContainer(engine, data.container);
        return null;
      });
    },
    async list({ deployment }) {
      await sweepEnded(dataDir);
      await environments.recover();
      const found: { ref: SandboxRef; tags: SandboxTags }[] = [];
      const containers = await listContainers(engine, labelFilter(dataDir, deployment));
      for (const { Id } of containers) {
        const container = await inspectContainer(engine, Id);
        const labels = container === null ? null : readLabels(container.Config.Labels);
        if (container === null || labels === null) continue;
        const run = runOf(container);
        if (run !== null) found.push({ ref: refOf(run), tags: labels.tags });
        else await alone(labels.key, () => sweepContainer(engine, { ...options, container, labels }));
      }
      const keys = new Set(containers.map(({ Labels }) => readLabels(Labels)?.key));
      await sweepFolders(engine, { ...options, deployment, keys, alone });
      return found;
    },
    async close() {
      await environments.close();
      await Promise.all([...held.values()].map((sandbox) => sandbox.release()));
    },
  };
}

/** null: it does not run, or is not ours. */
function runOf({ Id, Config, State }: ContainerInspectInfo): ContainerRun | null {
  const labels = readLabels(Config.Labels);
  if (labels === null || !State.Running) return null;
  const { key, sockets, diskBytes, dataDir } = labels;
  return { key, container: Id, startedAt: State.StartedAt, sockets, diskBytes, dataDir };
}

async function resolved({ bundle, packages }: RunnerFiles): Promise<RunnerFiles> {
  const entries = Object.entries(packages).map(async ([name, path]) => [name, await realpath(path)] as const);
  return { bundle: await realpath(bundle), packages: Object.fromEntries(await Promise.all(entries)) };
}
