import type { ContainerCreateOptions, HostConfig, MountSettings } from "dockerode";
import { environmentPath } from "../environment-mounts.ts";
import type { EffectiveLimits } from "../effective-limits.ts";
import type { MountedEnvironment } from "../environment-mounts.ts";
import type { SandboxFolders } from "../host-folders.ts";
import { WAIT_FOR_EXEC, supervisorPath } from "../exec-start.ts";
import { RUNNER_PATHS } from "../port.ts";
import type { SandboxSpec } from "../port.ts";
import { labelsOf } from "./labels.ts";

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
} as const;

/** The user that a sandbox's programs run as, by numbers of this host. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
}

export interface ContainerPlan {
  readonly dataDir: string;
  readonly folders: SandboxFolders;
  readonly sockets: string;
  /** Its runner's files with all symlinks resolved. */
  readonly spec: SandboxSpec;
  readonly image: string;
  /** What was installed for it, or is being installed in it, with the `PATH` that the image has. */
  readonly environment?: (Pick<MountedEnvironment, "folder" | "writable"> & { readonly path: string }) | undefined;
  readonly user: ContainerUser;
  readonly limits: EffectiveLimits;
  /** Size of `/tmp`, in memory, in bytes. */
  readonly tmpBytes: number;
  /** Name of one of the engine's networks, or `none`. */
  readonly network: string;
  /** A seccomp profile as JSON; the engine's own where there is none. */
  readonly seccomp: string | null;
}

/** The runner, in the place of the shell, beside what waits for programs to start. */
const PROGRAM = `${WAIT_FOR_EXEC}; exec "$1" "$2"`;

/** What the engine is asked for: a container that can write nothing but its own folders, and has no way out but the sockets. */
export function containerRequest(plan: ContainerPlan): ContainerCreateOptions {
  const { spec, user } = plan;
  return {
    Image: plan.image,
    Entrypoint: ["/bin/sh", "-c", PROGRAM, "sh"],
    Cmd: ["node", INSIDE.runner, INSIDE.supervisor, INSIDE.sockets],
    User: `${user.uid}:${user.gid}`,
    WorkingDir: INSIDE.workspace,
    Hostname: "sandbox",
    Env: Object.entries(environment(plan)).map(([name, value]) => `${name}=${value}`),
    Labels: labelsOf({ key: spec.key, tags: spec.tags, ...plan, ...plan.limits }),
    NetworkDisabled: plan.network === "none",
    Tty: false,
    OpenStdin: false,
    HostConfig: hostConfig(plan),
  };
}

function hostConfig(plan: ContainerPlan): HostConfig {
  const own = plan.seccomp === null ? [] : [`seccomp=${plan.seccomp}`];
  return {
    Init: true,
    NetworkMode: plan.network,
    ReadonlyRootfs: true,
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges", ...own],
    Privileged: false,
    IpcMode: "private",
    RestartPolicy: { Name: "no" },
    // Where the host runs out of memory, an agent goes before anything of the host's.
    OomScoreAdj: 500,
    LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
    Mounts: mounts(plan),
    Tmpfs: {
      "/tmp": memoryFolder(plan),
      "/var/tmp": memoryFolder(plan),
    },
    ShmSize: SHM_BYTES,
    ...resources(plan.limits),
  };
}

/** Files in it are memory that no killed process gives back. */
function memoryFolder({ tmpBytes, limits }: ContainerPlan): string {
  return `rw,exec,nosuid,nodev,mode=1777,size=${Math.min(tmpBytes, Math.floor(limits.memoryBytes / 4))}`;
}

const SHM_BYTES = 64 * 1024 * 1024;

function mounts({ folders, sockets, spec, environment: installed }: ContainerPlan): MountSettings[] {
  const bound = (source: string, target: string, readOnly: boolean): MountSettings => ({
    Type: "bind",
    Source: source,
    Target: target,
    ReadOnly: readOnly,
  });
  return [
    bound(folders.workspace, INSIDE.workspace, false),
    bound(folders.home, INSIDE.home, false),
    bound(folders.state, INSIDE.state, false),
    // The folder and not its sockets: a server that starts anew makes new ones, which must be seen inside.
    bound(sockets, INSIDE.sockets, true),
    ...ETC_FILES.map((name) => bound(`${folders.etc}/${name}`, `/etc/${name}`, true)),
    bound(spec.runner.bundle, INSIDE.runner, true),
    bound(supervisorPath(), INSIDE.supervisor, true),
    ...Object.entries(spec.runner.packages).map(([name, path]) =>
      bound(path, `${INSIDE.packages}/node_modules/${name}`, true),
    ),
    ...(installed === undefined ? [] : [bound(installed.folder, INSIDE.environment, !installed.writable)]),
    // Where Node's `import` looks from every folder.
    ...(installed?.writable === false ? [bound(`${installed.folder}/node_modules`, "/node_modules", true)] : []),
  ];
}

function environment({ spec, environment: installed }: ContainerPlan): Readonly<Record<string, string>> {
  return {
    LANG: "C.UTF-8",
    SHELL: "/bin/bash",
    TMPDIR: "/tmp",
    USER: "agent",
    LOGNAME: "agent",
    ...spec.environment,
    HOME: INSIDE.home,
    [RUNNER_PATHS.workspace]: INSIDE.workspace,
    [RUNNER_PATHS.home]: INSIDE.home,
    [RUNNER_PATHS.state]: INSIDE.state,
    [RUNNER_PATHS.sockets]: INSIDE.sockets,
    [RUNNER_PATHS.packages]: INSIDE.packages,
    ...(installed === undefined
      ? {}
      : {
          PATH: environmentPath(INSIDE.environment, installed.path),
          [RUNNER_PATHS.environment]: INSIDE.environment,
        }),
  };
}

function resources(limits: EffectiveLimits): Partial<HostConfig> {
  const { memoryBytes, cpus, processes, openFiles, fileBytes } = limits;
  const ulimit = (name: string, value: number) => ({ Name: name, Soft: value, Hard: value });
  return {
    // The same twice: memory and swap together, so that there is no swap beyond the memory.
    Memory: memoryBytes,
    MemorySwap: memoryBytes,
    NanoCpus: Math.round(cpus * 1e9),
    PidsLimit: processes,
    Ulimits: [ulimit("core", 0), ulimit("nofile", openFiles), ulimit("fsize", fileBytes)],
  };
}

/** Files of `/etc` that are ours and not the image's or the engine's. */
export const ETC_FILES = ["passwd", "group", "resolv.conf"] as const;

/** Its user by name, and no name server: the engine would copy the host's. */
export function etcFile(name: (typeof ETC_FILES)[number], { uid, gid }: ContainerUser): string {
  switch (name) {
    case "passwd":
      return `root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:${uid}:${gid}:agent:${INSIDE.home}:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n`;
    case "group":
      return `root:x:0:\nagent:x:${gid}:\nnogroup:x:65534:\n`;
    case "resolv.conf":
      return "";
  }
}
