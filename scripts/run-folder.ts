import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Short: sockets lie below it, whose paths have few bytes. */
const PREFIX = "art-";
/** File with the number of the process that a folder belongs to. */
const OWNER = ".run-of";

/**
 * One temporary folder for one run of tests, which goes with all that servers that were killed, sandboxes and browsers
 * have left in it: they get it as TMPDIR. Those of runs that were killed go too.
 */
export function makeRunFolder(): () => void {
  const before = process.env["TMPDIR"];
  sweepKilledRuns(tmpdir());
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  // As the folder that it lies in: some of what tests start is another user.
  chmodSync(folder, 0o1777);
  writeFileSync(join(folder, OWNER), String(process.pid));
  process.env["TMPDIR"] = folder;
  return () => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
    remove(folder);
  };
}

function sweepKilledRuns(base: string): void {
  for (const name of readdirSync(base)) {
    if (!name.startsWith(PREFIX)) continue;
    try {
      const owner = Number(readFileSync(join(base, name, OWNER), "utf8"));
      if (owner > 0 && !isAlive(owner)) remove(join(base, name));
    } catch {
      // No run's folder, or another user's.
    }
  }
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    console.error(`${folder} is left behind: ${String(error)}`);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
