import { setTimeout as delay } from "node:timers/promises";
import type { Worker } from "../worker.ts";
import type { Fleet } from "./fleet.ts";
import type { NodeUnderFire } from "./node-under-fire.ts";

export type BlowKind = "kill" | "pause" | "restart" | "sandbox";

/** What a fleet suffers, and what came of it. */
export interface BlowScene {
  readonly fleet: Fleet;
  readonly workers: readonly Worker[];
  readonly leaseMs: number;
  readonly random: () => number;
  /** What is not as it must be, in words. */
  readonly faults: string[];
}

/** What one blow hit. */
export interface Blow {
  readonly kind: BlowKind;
  /** Sessions with a turn that the node ran. */
  readonly hit: readonly Worker[];
  /** From the blow to the next event of each, in ms; absent where the node came back first. */
  readonly awayMs: readonly number[];
}

/** For others to take over what a stopped node had; far more than it takes, on a starved machine. */
const MOST_MS = 60_000;

/** Where a write was under way that the database took or did not, the session is looked up anew, and found elsewhere. */
const LET_GO = /it is let go|it is loaded again/;

/** Sessions with a turn under way whose lease the node holds. */
async function heldBy({ fleet, workers }: BlowScene, node: NodeUnderFire): Promise<Worker[]> {
  const holders = await fleet.holders();
  return workers.filter(({ client }) => client.running && holders.get(client.sessionId)?.nodeId === node.nodeId);
}

/** The node of some session with a turn, in that share of cases where there is one. */
export async function victim(scene: BlowScene, share = 0.9): Promise<NodeUnderFire> {
  const { fleet, workers, random } = scene;
  const running = workers.filter(({ client }) => client.running);
  const one = running[Math.floor(random() * running.length)];
  const holders = await fleet.holders();
  const holder = one === undefined ? undefined : holders.get(one.client.sessionId)?.nodeId;
  const found = fleet.nodes.find(({ nodeId }) => nodeId === holder);
  const any = fleet.nodes[Math.floor(random() * fleet.nodes.length)];
  const node = random() < share ? (found ?? any) : any;
  if (node === undefined) throw new Error("there are no nodes");
  return node;
}

export async function strike(scene: BlowScene, kind: BlowKind): Promise<Blow> {
  switch (kind) {
    case "kill":
      return kill(scene, await victim(scene));
    case "pause":
      return pause(scene, await victim(scene, 1));
    case "restart":
      return restart(scene, await victim(scene));
    case "sandbox":
      return endSandbox(scene);
  }
}

/** Half of the times it comes back at once, with what it had; else others have it by then. */
async function kill(scene: BlowScene, node: NodeUnderFire): Promise<Blow> {
  const hit = await heldBy(scene, node);
  const since = performance.now();
  const next = nextEvents(hit);
  await node.kill();
  const isBack = scene.random() < 0.5;
  if (!isBack) await takenOver(scene, { node, hit });
  const awayMs = isBack ? [] : await within(next, since);
  await node.start();
  return { kind: "kill", hit, awayMs };
}

/** It sleeps until others have what it had, and wakes with an old lease. */
async function pause(scene: BlowScene, node: NodeUnderFire): Promise<Blow> {
  const { leaseMs, random, faults } = scene;
  const hit = await heldBy(scene, node);
  const since = performance.now();
  const before = node.lines().length;
  const next = nextEvents(hit);
  node.pause();
  try {
    await delay(leaseMs * (1.2 + random()));
    await takenOver(scene, { node, hit });
  } finally {
    node.resume();
  }
  const awayMs = await within(next, since);
  // A session that ran there and does not any more has to be let go, and that is told.
  const until = performance.now() + MOST_MS;
  let missing = hit;
  while (missing.length > 0 && performance.now() < until) {
    const lines = node.lines().slice(before);
    missing = hit.filter(({ client }) => !lines.some((line) => line.includes(client.sessionId) && LET_GO.test(line)));
    await delay(20);
  }
  for (const { client } of missing) {
    const said = node
      .lines()
      .slice(before)
      .filter((line) => line.includes(client.sessionId));
    faults.push(
      [`${node.name} woke and did not let go of ${client.sessionId}; it said:`, ...said.slice(0, 10)].join("\n  "),
    );
  }
  return { kind: "pause", hit, awayMs };
}

async function restart(scene: BlowScene, node: NodeUnderFire): Promise<Blow> {
  const hit = await heldBy(scene, node);
  const since = performance.now();
  const next = nextEvents(hit);
  await node.stop();
  await takenOver(scene, { node, hit });
  const awayMs = await within(next, since);
  await node.start();
  return { kind: "restart", hit, awayMs };
}

async function endSandbox({ fleet, workers, random }: BlowScene): Promise<Blow> {
  const ready = workers.filter(({ client }) => client.running && client.state?.runtime.sandbox?.status === "ready");
  const one = ready[Math.floor(random() * ready.length)];
  if (one === undefined) return { kind: "sandbox", hit: [], awayMs: [] };
  one.sandboxesEnded += 1;
  await fleet.killSandbox(one.client.sessionId);
  return { kind: "sandbox", hit: [one], awayMs: [] };
}

/** Resolves when each session has a higher fence, unless its work was over before. */
async function takenOver(
  scene: BlowScene,
  { node, hit }: { node: NodeUnderFire; hit: readonly Worker[] },
): Promise<void> {
  const before = await scene.fleet.holders();
  const until = performance.now() + MOST_MS;
  for (;;) {
    const now = await scene.fleet.holders();
    const waiting = hit.filter(({ client: { sessionId } }) => {
      const [old, current] = [before.get(sessionId), now.get(sessionId)];
      return current?.nodeId === node.nodeId && current.fence === old?.fence;
    });
    if (waiting.length === 0) return;
    if (performance.now() > until) {
      for (const { client } of waiting) {
        scene.faults.push(`nobody took ${client.sessionId} over from ${node.name}`);
      }
      return;
    }
    await delay(20);
  }
}

function nextEvents(workers: readonly Worker[]): Promise<number>[] {
  return workers.map(({ client }) => {
    const next = client.nextEvent();
    next.catch(() => undefined);
    return next;
  });
}

async function within(next: readonly Promise<number>[], since: number): Promise<number[]> {
  return (await Promise.all(next)).map((at) => at - since);
}
