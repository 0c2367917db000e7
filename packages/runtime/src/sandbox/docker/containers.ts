import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerCreateOptions, ContainerInfo, ContainerInspectInfo } from "dockerode";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { inspectContainer } from "./container-watch.ts";
import { engineStatus } from "./engine.ts";
import type { Engine } from "./engine.ts";

const REMOVAL_MS = 30_000;
/** How long one that somebody else makes may take to start. */
const STARTING_MS = 10_000;

/** Makes a container and answers its id; null: one of that name is there already. */
export async function createContainer(
  engine: Engine,
  name: string,
  request: ContainerCreateOptions,
): Promise<string | null> {
  try {
    const made = await engine.call((docker, abortSignal) => docker.createContainer({ ...request, name, abortSignal }));
    return made.id;
  } catch (error) {
    if (engineStatus(error) === 409) return null;
    throw error;
  }
}

/** Starts a container that was made; one that runs already is as good. */
export async function startContainer(engine: Engine, id: string): Promise<void> {
  try {
    await engine.call((docker, abortSignal) => docker.getContainer(id).start({ abortSignal }));
  } catch (error) {
    if (engineStatus(error) !== 304) throw error;
  }
}

/**
 * Starts a container that somebody else has made and is perhaps starting: what it then is, whoever started it. One that
 * cannot be started stays as it is.
 */
export async function startMade(engine: Engine, id: string): Promise<ContainerInspectInfo | null> {
  const deadline = performance.now() + STARTING_MS;
  for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
    await startContainer(engine, id).catch(() => undefined);
    const found = await inspectContainer(engine, id);
    if (found === null || found.State.Status !== "created" || performance.now() > deadline) return found;
    await sleep(wait);
  }
}

/** Kills all that runs in a container and removes it; one that is not there is as good. Resolves when it is gone. */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  const deadline = performance.now() + REMOVAL_MS;
  for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
    try {
      await engine.call((docker, abortSignal) => docker.getContainer(id).remove({ force: true, v: true, abortSignal }));
      return;
    } catch (error) {
      if (engineStatus(error) === 404) return;
      // Somebody else removes it, or the engine's file system is still busy with it.
      const passes = engineStatus(error) === 409 || engineStatus(error) === 500;
      if (!passes || performance.now() > deadline) throw error;
    }
    await sleep(wait);
    if ((await inspectContainer(engine, id)) === null) return;
  }
}

/** All containers with these labels, whatever their state. */
export async function listContainers(engine: Engine, labels: readonly string[]): Promise<readonly ContainerInfo[]> {
  return engine.call((docker, abortSignal) =>
    docker.listContainers({ all: true, filters: { label: [...labels] }, abortSignal }),
  );
}

export function nameTaken(name: string): RuntimeError {
  return new RuntimeError(
    "sandbox_unavailable",
    `The engine has a container ${name} that is not ours. Remove or rename it: docker rename ${name} OTHER.`,
  );
}
