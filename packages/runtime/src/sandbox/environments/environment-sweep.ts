import { removeTree } from "../host-folders.ts";
import { environmentFolder, environmentNames, readEnvironment } from "./environment-folder.ts";
import type { KeptEnvironment } from "./environment-folder.ts";

export interface Sweep {
  readonly dataDir: string;
  /** Environments that sandboxes have, or that are being made. */
  readonly used: ReadonlySet<string>;
  readonly maxCount: number;
  readonly maxBytes: number;
}

/** Removes halves, and whole ones that nobody uses, the longest unused first, until both bounds hold. */
export async function sweepEnvironments({ dataDir, used, maxCount, maxBytes }: Sweep): Promise<void> {
  const kept: KeptEnvironment[] = [];
  for (const name of await environmentNames(dataDir)) {
    const folder = environmentFolder(dataDir, name);
    const environment = await readEnvironment(folder);
    if (environment !== null) kept.push(environment);
    else if (!used.has(name)) await removeTree(folder.root);
  }
  let bytes = kept.reduce((sum, environment) => sum + environment.bytes, 0);
  let count = kept.length;
  for (const one of kept.toSorted((a, b) => a.lastUsed - b.lastUsed)) {
    if (count <= maxCount && bytes <= maxBytes) return;
    if (used.has(one.name)) continue;
    await removeTree(environmentFolder(dataDir, one.name).root);
    count -= 1;
    bytes -= one.bytes;
  }
}
