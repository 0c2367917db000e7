import { readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { Logger } from "../logger.ts";

/** A node of this data directory, and how it is told whether its process runs. */
const NodeProcess = z.object({
  nodeId: z.string(),
  /** The name of the machine or container; processes of another one cannot be seen from here. */
  host: z.string(),
  pid: z.number().int(),
  /** When the process was started, in the system's own words; empty where it does not say. */
  started: z.string(),
});
type NodeProcess = z.infer<typeof NodeProcess>;

export interface DataDirNode {
  readonly nodeId: string;
  readonly dataDir: string;
  readonly log: Logger;
}

/**
 * Writes down that this process is a node with this data directory, and answers with the ids of those that were before
 * and ended without a word: their leases need not run out first. Never rejects: without it a restart takes longer.
 */
export async function previousNodes({ nodeId, dataDir, log }: DataDirNode): Promise<readonly string[]> {
  const folder = join(dataDir, "nodes");
  try {
    await mkdir(folder, { recursive: true });
    const known = await knownNodes(folder);
    const gone = known.filter((node) => isGone(node));
    await writeFile(join(folder, `${nodeId}.json`), JSON.stringify(describedSelf(nodeId)));
    return gone.map((node) => node.nodeId);
  } catch (error) {
    log.warn({ err: error, folder }, "which nodes had this data directory cannot be told; their leases run out first");
    return [];
  }
}

/** The node has ended, and its leases are free. Never rejects. */
export async function forgetNode({ nodeId, dataDir, log }: DataDirNode): Promise<void> {
  await rm(join(dataDir, "nodes", `${nodeId}.json`), { force: true }).catch((error: unknown) => {
    log.debug({ err: error, nodeId }, "what was written of a node could not be removed");
  });
}

async function knownNodes(folder: string): Promise<readonly NodeProcess[]> {
  const known: NodeProcess[] = [];
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".json")) continue;
    const text = await readFile(join(folder, name), "utf8").catch(() => "");
    const parsed = parsedNode(text);
    // Half written by a process that was killed: its lease runs out.
    if (parsed === null) await rm(join(folder, name), { force: true });
    else known.push(parsed);
  }
  return known;
}

function parsedNode(text: string): NodeProcess | null {
  try {
    return NodeProcess.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function describedSelf(nodeId: string): NodeProcess {
  return { nodeId, host: hostname(), pid: process.pid, started: startOf(process.pid) };
}

function isGone({ host, pid, started }: NodeProcess): boolean {
  return host === hostname() && (!runs(pid) || startOf(pid) !== started);
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Linux counts it from the machine's start, whose id belongs to it; other systems tell less. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    // One that has ended and waits for its parent is no more.
    return fields[0] === "Z" || fields[0] === "X" ? "" : `${boot} ${fields[19] ?? ""}`;
  } catch {
    return "";
  }
}
