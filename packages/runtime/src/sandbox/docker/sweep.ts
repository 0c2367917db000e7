import type { ContainerInspectInfo } from "dockerode";
import { removeFolders, removeSocketFolder, sandboxKeys } from "../host-folders.ts";
import { readRecord, writeRecord } from "../host-record.ts";
import { inspectContainer } from "./container-watch.ts";
import { removeContainer } from "./containers.ts";
import type { Engine } from "./engine.ts";
import { containerName } from "./labels.ts";
import type { ContainerLabels } from "./labels.ts";

/** A container that was made and not started for so long has lost its creator, in ms. */
const UNSTARTED_MS = 10 * 60_000;

interface Times {
  readonly dataDir: string;
  readonly keepDeadMs: number;
  readonly now: () => number;
}

/** Removes a container that does not run, with its folders, when that was long enough ago. */
export async function sweepContainer(
  engine: Engine,
  {
    container,
    labels,
    dataDir,
    keepDeadMs,
    now,
  }: Times & {
    readonly container: ContainerInspectInfo;
    readonly labels: ContainerLabels;
  },
): Promise<void> {
  const { Id, State, Created } = container;
  const unstarted = State.Status === "created";
  const since = Date.parse(unstarted ? Created : State.FinishedAt);
  if (now() - since < (unstarted ? UNSTARTED_MS : keepDeadMs)) return;
  await removeContainer(engine, Id);
  await removeFolders(dataDir, labels.key);
  await removeSocketFolder(labels.sockets);
}

/** Removes folders that have had no container for long enough. */
export async function sweepFolders(
  engine: Engine,
  about: Times & {
    readonly deployment: string;
    /** Of the sandboxes that have a container. */
    readonly keys: ReadonlySet<string | undefined>;
    readonly alone: (key: string, work: () => Promise<void>) => Promise<void>;
  },
): Promise<void> {
  const { dataDir, keepDeadMs, now, deployment, keys, alone } = about;
  for (const key of await sandboxKeys(dataDir)) {
    if (keys.has(key)) continue;
    await alone(key, async () => {
      const record = await readRecord(dataDir, key);
      if (record?.provider !== "docker" || record.tags.deployment !== deployment) return;
      // It may have got one while the engine was asked.
      if ((await inspectContainer(engine, containerName(dataDir, deployment, key))) !== null) return;
      if (record.deadSince === undefined) return writeRecord(dataDir, { ...record, deadSince: now() });
      if (now() - record.deadSince < keepDeadMs) return;
      await removeFolders(dataDir, key);
      await removeSocketFolder(record.sockets);
    });
  }
}
