import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import { NO_ENVIRONMENTS } from "./environment-mounts.ts";
import type { EnvironmentMounts, MountedEnvironment } from "./environment-mounts.ts";
import {
  foldersOf,
  makeFolders,
  makeSocketFolder,
  removeFolders,
  removeSocketFolder,
  sandboxKeys,
  sweepEnded,
} from "./host-folders.ts";
import type { Launcher, SandboxPlace } from "./host-launcher.ts";
import { hostPlace } from "./host-place.ts";
import { processIdentity } from "./host-process.ts";
import { readRecord, writeRecord } from "./host-record.ts";
import type { SandboxRecord } from "./host-record.ts";
import { HostSandbox, killSandbox, refOf } from "./host-sandbox.ts";
import type { SandboxProvider, SandboxRef, SandboxSpec, SandboxTags } from "./port.ts";
import { SandboxKey, byKey, checkSpec } from "./sandbox-key.ts";

export interface HostOptions {
  /** The server's data directory; sandboxes live in `sandboxes/` in it. */
  readonly dataDir: string;
  /** Folder in which the folders of the sockets are made; the system's temporary folder by default. */
  readonly socketBase?: string;
  /** How often to look whether a sandbox still runs, in ms (500). */
  readonly pollMs?: number;
  /** How long the disk of a sandbox that died unseen is kept, in ms (24 h). */
  readonly keepDeadMs?: number;
  /** Installed environments that are kept (20); one that a sandbox has is kept beyond it. */
  readonly keepEnvironments?: number;
  /** Bytes that one environment may have, and all that are kept together (10 GiB). */
  readonly environmentBytes?: number;
  readonly now?: () => number;
}

type Process = NonNullable<SandboxRecord["process"]>;

const DAY_MS = 24 * 60 * 60 * 1000;
/** `dataDir`: of the server that started it; absent in what earlier versions wrote, where it was this one's. */
const Ref = z.object({ provider: z.string(), key: SandboxKey, dataDir: z.string().startsWith("/").optional() });

/** A provider of sandboxes on this host, around one way of starting them. */
export function hostProvider(
  launcher: Launcher,
  options: HostOptions,
  environments: EnvironmentMounts = NO_ENVIRONMENTS,
): Required<Omit<SandboxProvider, "probe" | "remote" | "describe">> {
  const own = resolve(options.dataDir);
  /** By their folders: a sandbox may lie in the data directory of another server. */
  const held = new Map<string, HostSandbox>();
  const alone = byKey();

  function hold(record: SandboxRecord, process: Process, dataDir = own): HostSandbox {
    const place = placeOf(dataDir, record);
    const { root } = place.folders;
    const sandbox: HostSandbox = new HostSandbox({
      dataDir,
      launcher,
      place,
      process,
      pollMs: options.pollMs ?? 500,
      alone: (work) => alone(root, work),
      onForget: () => {
        if (held.get(root) === sandbox) held.delete(root);
      },
      isForgotten: () => !held.has(root),
    });
    held.set(root, sandbox);
    return sandbox;
  }

  /** The sandbox's process while it runs; a start that was cut off by a crash is found and recorded. */
  async function running(record: SandboxRecord, dataDir = own): Promise<Process | undefined> {
    if (record.process !== undefined) {
      return processIdentity(record.process.pid) === record.process.identity ? record.process : undefined;
    }
    const pid = await launcher.recover(placeOf(dataDir, record));
    const identity = pid === null ? null : processIdentity(pid);
    if (pid === null || identity === null) return undefined;
    await writeRecord(dataDir, { ...record, process: { pid, identity } });
    return { pid, identity };
  }

  async function find(key: string, dataDir = own): Promise<HostSandbox | null> {
    const { root } = foldersOf(dataDir, key);
    const sandbox = held.get(root);
    sandbox?.look();
    if (sandbox !== undefined && held.has(root)) return sandbox;
    const record = await readRecord(dataDir, key);
    if (record === null || record.provider !== launcher.name) return null;
    const process = await running(record, dataDir);
    return process === undefined ? null : hold(record, process, dataDir);
  }

  async function start(
    spec: SandboxSpec,
    signal: AbortSignal,
    environment: MountedEnvironment | undefined,
  ): Promise<HostSandbox> {
    const before = await readRecord(own, spec.key);
    await makeFolders(foldersOf(own, spec.key));
    const kept = before !== null && existsSync(before.sockets);
    const sockets = kept ? before.sockets : await makeSocketFolder(options.socketBase);
    const record: SandboxRecord = {
      version: 1,
      provider: launcher.name,
      key: spec.key,
      tags: { ...spec.tags },
      sockets,
      ...(environment === undefined ? {} : { environment: environment.name }),
    };
    const place = { ...placeOf(own, record), ...(environment === undefined ? {} : { environment }) };
    let sandbox: HostSandbox | undefined;
    let identity: string | null = null;
    let pid = 0;
    try {
      await writeRecord(own, record);
      pid = await launcher.start(place, spec, { signal, onExit: () => sandbox?.look() });
      identity = processIdentity(pid);
      if (identity === null) throw new RuntimeError("sandbox_unavailable", `Sandbox ${spec.key} ended as it started`);
      await writeRecord(own, { ...record, process: { pid, identity } });
      signal.throwIfAborted();
      sandbox = hold(record, { pid, identity });
      return sandbox;
    } catch (error) {
      await killSandbox(launcher, place, () => (identity !== null && processIdentity(pid) === identity ? pid : null));
      await launcher.clean?.(place).catch(() => undefined);
      // What an earlier start of this sandbox has left on its disk is not ours to destroy.
      if (before === null) await removeFolders(own, spec.key);
      if (before === null || !kept) await removeSocketFolder(sockets);
      throw error;
    }
  }

  /** Marks who died unseen, and removes its disk when that was long enough ago. */
  async function sweepDead(record: SandboxRecord): Promise<void> {
    await launcher.clean?.(placeOf(own, record));
    const now = (options.now ?? Date.now)();
    if (record.deadSince === undefined) return writeRecord(own, { ...record, deadSince: now });
    if (now - record.deadSince < (options.keepDeadMs ?? DAY_MS)) return;
    await removeFolders(own, record.key);
    await removeSocketFolder(record.sockets);
  }

  return {
    name: launcher.name,
    place: `${launcher.name}:${hostPlace({ processes: true })}`,
    async create(spec, { signal, onProgress }) {
      checkSpec(spec);
      return alone(foldersOf(own, spec.key).root, async () => {
        signal.throwIfAborted();
        const found = await find(spec.key);
        if (found !== null) return found;
        const environment = await environments.mount(spec, { signal, onProgress });
        try {
          onProgress("Starting the sandbox");
          return await start(spec, signal, environment);
        } finally {
          environment?.release();
        }
      });
    },
    async prepare(wanted, how) {
      const environment = await environments.mount({ key: "", ...wanted }, how);
      environment?.release();
    },
    async attach(ref) {
      const { data } = Ref.safeParse(ref);
      if (data === undefined || data.provider !== launcher.name) {
        throw new RuntimeError("internal", `This is not a reference of the sandbox provider ${launcher.name}`);
      }
      const { key, dataDir = own } = data;
      return alone(foldersOf(dataDir, key).root, () => find(key, dataDir));
    },
    async list({ deployment }) {
      await sweepEnded(own);
      await environments.recover();
      const found: { ref: SandboxRef; tags: SandboxTags }[] = [];
      for (const key of await sandboxKeys(own)) {
        const { root } = foldersOf(own, key);
        await alone(root, async () => {
          const record = await readRecord(own, key);
          if (record?.provider !== launcher.name || record.tags.deployment !== deployment) return;
          const process = await running(record);
          if (process !== undefined)
            found.push({ ref: refOf(launcher.name, { ...record, dataDir: own }, process), tags: record.tags });
          else if (!held.has(root)) await sweepDead(record);
        });
      }
      return found;
    },
    async close() {
      await environments.close();
      await Promise.all([...held.values()].map((sandbox) => sandbox.release()));
    },
  };
}

function placeOf(dataDir: string, record: Pick<SandboxRecord, "key" | "sockets">): SandboxPlace {
  return { key: record.key, folders: foldersOf(dataDir, record.key), sockets: record.sockets };
}
