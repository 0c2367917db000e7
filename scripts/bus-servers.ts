import { spawnSync } from "node:child_process";
import { startBusServer, type BusKind } from "../packages/runtime/src/bus/testing/bus-server.ts";

/** A bus for one run of tests or of a benchmark, on a free loopback port; it ends with this process. */
export interface RunningBus {
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** Throws where no redis-server is installed. It keeps nothing, so it needs no folder. */
export function startRedis(): Promise<RunningBus> {
  return startBus("redis");
}

/** Throws where no nats-server is installed. */
export function startNats(): Promise<RunningBus> {
  return startBus("nats");
}

async function startBus(kind: BusKind): Promise<RunningBus> {
  const { url, stop } = await startBusServer(kind);
  const said = spawnSync(`${kind}-server`, ["--version"], { encoding: "utf8" }).stdout ?? "";
  return { url, version: `${kind} ${/\d+\.\d+\.\d+/.exec(said)?.[0] ?? "?"}`, stop };
}
