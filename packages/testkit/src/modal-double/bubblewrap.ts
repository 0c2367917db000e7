import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SHOWN_OF_ETC, SYSTEM_FOLDERS, type Tree, isFolder } from "./tree.ts";

export const NODE_INSIDE = "/usr/local/bin/node";

/** The programs of the double that run inside; TypeScript in the workspace, JavaScript when published. */
const PROGRAMS = fileURLToPath(new URL("inside/", import.meta.url));
const PROGRAMS_INSIDE = "/__modal/.init";
/** The stand-in for `npm` in images, when the double was given packages. */
export const NPM_SCRIPT = `#!/bin/sh\nexec node --no-warnings ${PROGRAMS_INSIDE}/npm${extname(import.meta.url)} "$@"\n`;
export const INIT_INSIDE = `${PROGRAMS_INSIDE}/init${extname(import.meta.url)}`;

export interface BubblewrapPlan {
  readonly tree: Tree;
  /** With this host's network: for the installs of an image alone. */
  readonly hostNetwork: boolean;
}

/**
 * bubblewrap's options. As in the cloud, the sandbox's user is root and may write everywhere but in the system's
 * programs; the number is root's inside alone, without a capability.
 */
export function bubblewrapOptions({ tree, hostNetwork }: BubblewrapPlan): readonly string[] {
  return [
    ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--disable-userns"],
    hostNetwork ? [] : ["--unshare-net"],
    ["--uid", "0", "--gid", "0", "--hostname", "modal", "--cap-drop", "ALL", "--new-session", "--die-with-parent"],
    ["--bind", tree.folder, "/", "--ro-bind", "/usr", "/usr", "--bind", join(tree.folder, "usr/local"), "/usr/local"],
    SYSTEM_FOLDERS.flatMap((path) => (isFolder(path) ? ["--ro-bind", path, path] : [])),
    SHOWN_OF_ETC.flatMap((path) => (existsSync(path) ? ["--ro-bind", path, path] : [])),
    hostNetwork && existsSync("/etc/resolv.conf") ? ["--ro-bind", "/etc/resolv.conf", "/etc/resolv.conf"] : [],
    ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm"],
    ["--ro-bind", process.execPath, NODE_INSIDE, "--ro-bind", PROGRAMS, PROGRAMS_INSIDE],
    tree.binds.flatMap(({ from, to }) => ["--ro-bind", from, to]),
    ["--chdir", "/", "--clearenv", "--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin"],
  ].flat();
}
