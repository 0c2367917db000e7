import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { environmentPath } from "../environment-mounts.ts";
import { supervisorPath } from "../exec-start.ts";
import { RUNNER_PATHS } from "../port.ts";
import type { SandboxSpec } from "../port.ts";
import type { SandboxPlace } from "../host-launcher.ts";

/** Paths inside the sandbox. */
export const INSIDE = {
  workspace: "/workspace",
  home: "/home/agent",
  state: "/state",
  sockets: "/run/host",
  runner: "/opt/runtime/runner.mjs",
  supervisor: "/opt/runtime/exec-supervisor.mjs",
  packages: "/opt/harness",
  environment: "/opt/environment",
  node: "/opt/node/bin/node",
} as const;

/** Sizes of the sandbox's memory file systems, in bytes. */
export interface TmpfsSizes {
  readonly tmp: number;
  readonly shm: number;
}

export interface BubblewrapPlan {
  readonly place: SandboxPlace;
  /** Its runner's files with all symlinks resolved. */
  readonly spec: SandboxSpec;
  /** The Node that runs the runner, a file of this host. */
  readonly node: string;
  readonly sizes: TmpfsSizes;
}

/**
 * bubblewrap's options, in the order in which it works them off. They go in through a file: what stands in `argv` or
 * in the environment that bubblewrap starts with can be read, inside and outside.
 */
export function bubblewrapOptions(plan: BubblewrapPlan): readonly string[] {
  return [
    NAMESPACES,
    systemFolders(),
    memoryFolders(plan.sizes),
    hostFolders(plan),
    ["--remount-ro", "/"],
    environment(plan),
    ["--chdir", INSIDE.workspace],
  ].flat();
}

const NAMESPACES = [
  ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-net", "--unshare-cgroup-try"],
  ["--disable-userns", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"],
  ["--cap-drop", "ALL", "--new-session"],
].flat();

/** The host's programs, read-only, and `/bin`, `/lib`, … as they are on this host: symlinks or folders. */
function systemFolders(): readonly string[] {
  const options = ["--ro-bind", "/usr", "/usr"];
  for (const path of ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]) {
    if (!existsSync(path)) continue;
    if (lstatSync(path).isSymbolicLink()) options.push("--symlink", readlinkSync(path), path);
    else options.push("--ro-bind", path, path);
  }
  return options;
}

/**
 * `/proc` must be read-only: where the server is root, the sandbox's user is root's number in the kernel's eyes, and
 * that number alone, without any capability, may write /proc/sys (`core_pattern` there is a way out of the sandbox).
 * `/dev` is a tmpfs without a size: read-only as well; its devices go on taking writes.
 */
function memoryFolders(sizes: TmpfsSizes): readonly string[] {
  return [
    ["--proc", "/proc", "--remount-ro", "/proc"],
    ["--dev", "/dev", "--size", String(sizes.shm), "--perms", "1777", "--tmpfs", "/dev/shm", "--remount-ro", "/dev"],
    ["--size", String(sizes.tmp), "--perms", "1777", "--tmpfs", "/tmp", "--symlink", "../tmp", "/var/tmp"],
  ].flat();
}

function hostFolders({ place, spec, node }: BubblewrapPlan): readonly string[] {
  const { folders } = place;
  const packages = Object.entries(spec.runner.packages);
  return [
    ["--ro-bind", folders.etc, "/etc"],
    BOUND_IN_ETC.filter((path) => existsSync(path)).flatMap((path) => ["--ro-bind", path, path]),
    // The folder and not its sockets: a server that starts anew makes new ones, which must be seen inside.
    ["--ro-bind", place.sockets, INSIDE.sockets],
    ["--ro-bind", spec.runner.bundle, INSIDE.runner],
    ["--ro-bind", supervisorPath(), INSIDE.supervisor],
    underUsr(node) ? [] : ["--ro-bind", node, INSIDE.node],
    ["--dir", INSIDE.packages],
    packages.flatMap(([name, path]) => ["--ro-bind", path, `${INSIDE.packages}/node_modules/${name}`]),
    environmentFolder(place),
    ["--bind", folders.workspace, INSIDE.workspace],
    ["--bind", folders.home, INSIDE.home],
    ["--bind", folders.state, INSIDE.state],
  ].flat();
}

/** What the profile wanted installed; where Node looks from every folder stands a link to its packages. */
function environmentFolder({ environment }: SandboxPlace): readonly string[] {
  if (environment === undefined) return [];
  const { folder, writable } = environment;
  const bind = [writable ? "--bind" : "--ro-bind", folder, INSIDE.environment];
  return [...bind, "--symlink", `${INSIDE.environment}/node_modules`, "/node_modules"];
}

/** Files of the host's /etc that are shown as they are; `makeEtc` has made the places for them. */
export const BOUND_IN_ETC = ["/etc/ssl/certs", "/etc/alternatives", "/etc/ld.so.cache"] as const;

function underUsr(path: string): boolean {
  return path.startsWith("/usr/");
}

/** The Node that runs inside, by its path there. */
export function nodeInside(node: string): string {
  return underUsr(node) ? node : INSIDE.node;
}

function environment({ place, spec, node }: BubblewrapPlan): readonly string[] {
  const system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const path = underUsr(node) ? system : `/opt/node/bin:${system}`;
  const installed = place.environment !== undefined;
  const variables: Readonly<Record<string, string>> = {
    LANG: "C.UTF-8",
    SHELL: existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh",
    TMPDIR: "/tmp",
    USER: "agent",
    LOGNAME: "agent",
    ...spec.environment,
    PATH: installed ? environmentPath(INSIDE.environment, path) : path,
    HOME: INSIDE.home,
    [RUNNER_PATHS.workspace]: INSIDE.workspace,
    [RUNNER_PATHS.home]: INSIDE.home,
    [RUNNER_PATHS.state]: INSIDE.state,
    [RUNNER_PATHS.sockets]: INSIDE.sockets,
    [RUNNER_PATHS.packages]: INSIDE.packages,
    ...(installed ? { [RUNNER_PATHS.environment]: INSIDE.environment } : {}),
  };
  return ["--clearenv", ...Object.entries(variables).flatMap(([name, value]) => ["--setenv", name, value])];
}
