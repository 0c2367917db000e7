import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { SandboxPlace } from "../host-launcher.ts";

/** What bubblewrap says of a sandbox, in a file that only it and the server open. */
export interface BubblewrapStatus {
  /** The sandbox's first process, by its number out here. */
  readonly pid: number | null;
  /** The inode of its pid namespace: proves that `pid` is still this sandbox's. */
  readonly pidNamespace: number | null;
  readonly exitCode: number | null;
}

/** bubblewrap writes JSON objects one after the other, a line each. */
const Line = z.object({
  "child-pid": z.number().int().positive().optional(),
  "pid-namespace": z.number().optional(),
  "exit-code": z.number().int().optional(),
});

export function statusPath(place: SandboxPlace): string {
  return join(place.folders.log, "status.json");
}

/** null: bubblewrap was never started here. */
export function readStatus(place: SandboxPlace): BubblewrapStatus | null {
  let text: string;
  try {
    text = readFileSync(statusPath(place), "utf8");
  } catch {
    return null;
  }
  const said = Object.assign({}, ...text.split("\n").map(parseLine)) as z.infer<typeof Line>;
  return {
    pid: said["child-pid"] ?? null,
    pidNamespace: said["pid-namespace"] ?? null,
    exitCode: said["exit-code"] ?? null,
  };
}

/** A line that is still being written says nothing yet. */
function parseLine(line: string): z.infer<typeof Line> {
  try {
    return Line.safeParse(JSON.parse(line)).data ?? {};
  } catch {
    return {};
  }
}

/** The sandbox's first process, if it is still there and still the same. */
export function sandboxProcess({ pid, pidNamespace }: BubblewrapStatus): number | null {
  if (pid === null || pidNamespace === null) return null;
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) === `pid:[${pidNamespace}]` ? pid : null;
  } catch {
    return null;
  }
}
