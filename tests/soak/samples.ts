import { readdir, readFile } from "node:fs/promises";

/** The server at one moment. */
export interface Sample {
  /** Since the soak began, and since this server process began. */
  readonly seconds: number;
  readonly age: number;
  readonly rssMib: number;
  readonly descriptors: number;
  readonly sandboxes: number;
  /** So far. */
  readonly turns: number;
  readonly reconnects: number;
  readonly kills: number;
}

export const COLUMNS = [
  "seconds",
  "age",
  "rssMib",
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

export function csv(samples: readonly Sample[]): string {
  return (
    [
      COLUMNS.join(","),
      ...samples.map((sample) =>
        COLUMNS.map((column) => sample[column].toFixed(column === "rssMib" ? 1 : 0)).join(","),
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
  of: "rssMib" | "descriptors",
  group: (sample: Sample) => number = () => 0,
): number {
  let above = 0;
  let below = 0;
  for (const members of Map.groupBy(samples, group).values()) {
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
