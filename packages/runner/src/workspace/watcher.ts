import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";

/** Says that something in the workspace may have changed; what, only a scan can tell. */
export interface Watcher {
  /** Watches a directory from now on; another inode is another directory with the same path. */
  add(path: string, inode: bigint): void;
  /** Stops watching directories that are not in `paths`. */
  keep(paths: ReadonlySet<string>): void;
  /** Every directory is watched. When not, scans must come by themselves. */
  readonly complete: boolean;
  close(): void;
}

/** The kernel's watches are a shared good: one a directory, and not endlessly many. */
const MAX_WATCHES = 2_000;

/** One watch a directory rather than a recursive one, which would also watch what is left out of tracking. */
export function createWatcher(root: string, onChange: () => void): Watcher {
  const watches = new Map<string, { inode: bigint; watcher: FSWatcher }>();
  let complete = true;

  function drop(path: string): void {
    watches.get(path)?.watcher.close();
    watches.delete(path);
  }

  return {
    add(path, inode) {
      if (watches.get(path)?.inode === inode) return;
      drop(path);
      if (watches.size >= MAX_WATCHES) {
        complete = false;
        return;
      }
      try {
        const watcher = watch(path === "" ? root : `${root}/${path}`, { persistent: false }, onChange);
        watcher.on("error", () => {
          drop(path);
          onChange();
        });
        watches.set(path, { inode, watcher });
        // What happened between the directory's birth and its watch is found by one more look.
        onChange();
      } catch {
        complete = false;
      }
    },
    keep(paths) {
      for (const path of watches.keys()) if (!paths.has(path)) drop(path);
    },
    get complete() {
      return complete;
    },
    close() {
      for (const path of watches.keys()) drop(path);
    },
  };
}
