import { readdir, readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

/** The server at one moment. */
export interface Sample {
  /** Since the soak began, and since this server process began. */
  readonly seconds: number;
  readonly age: number;
  readonly rssMib: number;
  /** What a garbage collection left of its heap and buffers, when that was last looked at. */
  readonly liveMib: number;
  readonly descriptors: number;
  readonly sandboxes: number;
  /** So far. */
  readonly turns: number;
  readonly reconnects: number;
  readonly kills: number;
}

/** The server at a moment at which nobody asks anything of it. */
export interface Quiet extends Pick<Sample, "turns" | "rssMib" | "liveMib" | "descriptors"> {
  readonly pid: number;
}

export const COLUMNS = [
  "seconds",
  "age",
  "rssMib",
  "liveMib",
  "descriptors",
  "sandboxes",
  "turns",
  "reconnects",
  "kills",
] as const;

/** Memory and descriptors of a process; null where it is gone. */
export async function readProcess(pid: number): Promise<{ rssMib: number; descriptors: number } | null> {
  try {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    const descriptors = (await readdir(`/proc/${pid}/fd`)).length;
    const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return rss === undefined ? null : { rssMib: Number(rss) / 1024, descriptors };
  } catch {
    return null;
  }
}

/** Has the server collect its garbage and say what is left, in MiB; NaN where it does not say so in time. */
export async function liveMemory(pid: number, file: string): Promise<number> {
  await rm(file, { force: true });
  process.kill(pid, "SIGUSR2");
  for (let tries = 0; tries < 100; tries++) {
    const bytes = await readFile(file, "utf8").catch(() => null);
    if (bytes !== null) return Number(bytes) / 1024 / 1024;
    await delay(20);
  }
  return Number.NaN;
}

export function csv(samples: readonly Sample[]): string {
  return (
    [
      COLUMNS.join(","),
      ...samples.map((sample) =>
        COLUMNS.map((column) => sample[column].toFixed(column.endsWith("Mib") ? 1 : 0)).join(","),
      ),
    ].join("\n") + "\n"
  );
}

/**
 * How `of` grows a thousand turns, by least squares. With a group given, the line has the same slope in every group and
 * a height of its own in each, so that what differs between the groups is not taken for growth.
 */
export function slope(
  samples: readonly Sample[],
  of: "rssMib" | "liveMib" | "descriptors",
  group: (sample: Sample) => number = () => 0,
): number {
  let above = 0;
  let below = 0;
  const told = samples.filter((sample) => !Number.isNaN(sample[of]));
  for (const members of Map.groupBy(told, group).values()) {
    const x = mean(members.map(({ turns }) => turns));
    const y = mean(members.map((sample) => sample[of]));
    for (const sample of members) {
      above += (sample.turns - x) * (sample[of] - y);
      below += (sample.turns - x) ** 2;
    }
  }
  return (above / below) * 1000;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
