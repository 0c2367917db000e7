import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { WAIT_FOR_EXEC } from "../exec-start.ts";
import { logPath, logTail } from "../host-launcher.ts";
import type { Launcher, SandboxPlace } from "../host-launcher.ts";
import { killNow, processIdentity, readProc } from "../host-process.ts";
import type { SandboxSpec } from "../port.ts";
import { INSIDE, bubblewrapOptions, nodeInside } from "./bubblewrap.ts";
import type { TmpfsSizes } from "./bubblewrap.ts";
import { makeEtc } from "./etc.ts";
import type { Limiter, LimitedStart } from "./limits/limiter.ts";
import { explainRefusal, noFilter } from "./remedy.ts";
import { isFiltered, seccompFilter } from "./seccomp/filter.ts";
import { readStatus, sandboxProcess, statusPath } from "./status.ts";

export interface BubblewrapOptions {
  /** bubblewrap's program, an absolute path; throws with the remedy where there is none. */
  readonly program: () => string;
  /** The Node that runs the runner inside. */
  readonly node: string;
  readonly sizes: TmpfsSizes;
  readonly limiter: Limiter;
  /** Longest time from the start of bubblewrap until the runner's program runs, in ms. */
  readonly startTimeoutMs: number;
}

/** How long a sandbox may take to name its first process after a crash of the server that was starting it. */
const RECOVERY_MS = 1000;

/** The runner takes the shell's place: its exit code is the sandbox's. */
const PROGRAM = `${WAIT_FOR_EXEC}; exec "$1" "$2"`;
const PROGRAM_FILES = [INSIDE.runner, INSIDE.supervisor, INSIDE.sockets] as const;

/** Starts the runner in namespaces of its own, by bubblewrap. */
export function bubblewrapLauncher(options: BubblewrapOptions): Launcher {
  return {
    name: "local",
    async start(place, spec, { signal, onExit }) {
      const program = options.program();
      await makeEtc(place.folders.etc);
      const limits = await options.limiter.prepare(place, spec.limits);
      const sizes = atMost(options.sizes, limits.memoryBytes);
      const optionsFile = await writeOptions(place, spec, { ...options, sizes });
      try {
        const child = spawnBubblewrap(place, {
          program,
          optionsFile,
          filterFile: await writeFilter(place),
          limits,
          command: ["/bin/sh", "-c", PROGRAM, "sh", nodeInside(options.node), ...PROGRAM_FILES],
        });
        const pid = await started(place, child, { signal, timeoutMs: options.startTimeoutMs });
        child.onExit(onExit);
        return pid;
      } finally {
        await rm(optionsFile, { force: true });
      }
    },
    async recover(place) {
      const deadline = performance.now() + RECOVERY_MS;
      for (;;) {
        const status = readStatus(place);
        if (status === null) return null;
        if (status.pid !== null) return sandboxProcess(status);
        if (performance.now() > deadline) return null;
        await sleep(20);
      }
    },
    // The end of the sandbox's first process is the end of all others: the kernel sees to that.
    kill(_place, pid) {
      if (pid === null) return true;
      killNow(pid);
      return processIdentity(pid) === null;
    },
    async exitCode(place) {
      return readStatus(place)?.exitCode ?? null;
    },
    overuse: (place, pid) => options.limiter.overuse(place, pid),
    endCause: (place, exitCode) => options.limiter.endCause(place, exitCode),
    clean: (place) => options.limiter.clean(place),
  };
}

/** Follows the start: first bubblewrap names the process, then the runner's program takes bubblewrap's place. */
async function started(
  place: SandboxPlace,
  child: BubblewrapChild,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  try {
    for (;;) {
      const pid = readStatus(place)?.pid ?? null;
      if (child.ended()) throw explainRefusal(child.failure()?.message ?? (await logTail(place)));
      if (pid !== null && runsProgram(pid)) return pid;
      signal.throwIfAborted();
      if (performance.now() > deadline) {
        throw new RuntimeError("sandbox_unavailable", `bubblewrap did not start a sandbox within ${timeoutMs} ms`);
      }
      await sleep(2);
    }
  } catch (error) {
    child.kill();
    const status = readStatus(place);
    const pid = status === null ? null : sandboxProcess(status);
    if (pid !== null) killNow(pid);
    throw error;
  }
}

/** bubblewrap has handed over to the program when the sandbox's first process has a child that is not bubblewrap. */
function runsProgram(pid: number): boolean {
  const children = readProc(`${pid}/task/${pid}/children`);
  // Kernels without this file: what fails later shows as the end of the sandbox.
  if (children === null) return processIdentity(pid) !== null;
  const first = children.trim().split(" ")[0] ?? "";
  const name = first === "" ? null : readProc(`${first}/comm`);
  return name !== null && name.trim() !== "bwrap";
}

interface BubblewrapChild {
  onExit(listener: () => void): void;
  failure(): Error | null;
  ended(): boolean;
  kill(): void;
}

/**
 * Detached, to outlive the server, and in an empty environment: `/proc/1/environ` inside shows what bubblewrap was
 * started with.
 */
function spawnBubblewrap(
  place: SandboxPlace,
  what: { program: string; optionsFile: string; filterFile: string; limits: LimitedStart; command: readonly string[] },
): BubblewrapChild {
  const options = openSync(what.optionsFile, "r");
  const filter = openSync(what.filterFile, "r");
  const status = openSync(statusPath(place), "w", 0o600);
  const log = openSync(logPath(place), "a", 0o600);
  try {
    const bubblewrap = [what.program, "--args", "3", "--json-status-fd", "4", "--seccomp", "5", "--"];
    const [program = "", ...rest] = what.limits.outside([...bubblewrap, ...what.limits.inside(what.command)]);
    const child = spawn(program, rest, {
      cwd: "/",
      env: {},
      detached: true,
      stdio: ["ignore", log, log, options, status, filter],
    });
    let failure: Error | null = null;
    child.on("error", (error) => {
      failure = error;
    });
    child.unref();
    return {
      onExit: (listener) => child.once("exit", listener),
      failure: () => failure,
      ended: () => failure !== null || child.exitCode !== null || child.signalCode !== null,
      kill: () => child.kill("SIGKILL"),
    };
  } finally {
    for (const fd of [options, filter, status, log]) closeSync(fd);
  }
}

/** Memory file systems are of the sandbox's memory, and no end of a process gives theirs back. */
function atMost(sizes: TmpfsSizes, memoryBytes: number): TmpfsSizes {
  const share = Math.floor(memoryBytes / 4);
  return { tmp: Math.min(sizes.tmp, share), shm: Math.min(sizes.shm, share) };
}

/** To a file and not a pipe: a server that dies in the middle must not leave half of the options in force. */
async function writeOptions(place: SandboxPlace, spec: SandboxSpec, options: BubblewrapOptions): Promise<string> {
  const packages: Record<string, string> = {};
  for (const [name, path] of Object.entries(spec.runner.packages)) packages[name] = await realpath(path);
  const runner = { packages, bundle: await realpath(spec.runner.bundle) };
  const plan = { place, spec: { ...spec, runner }, node: options.node, sizes: options.sizes };
  const file = join(place.folders.log, "bubblewrap-options");
  await writeFile(
    file,
    bubblewrapOptions(plan)
      .map((option) => `${option}\0`)
      .join(""),
    { mode: 0o600 },
  );
  return file;
}

/** The filter of system calls, as a file that bubblewrap reads. */
async function writeFilter(place: SandboxPlace): Promise<string> {
  if (!isFiltered(process.arch)) throw noFilter(process.arch);
  const file = join(place.folders.log, "seccomp-filter");
  await writeFile(file, seccompFilter(process.arch), { mode: 0o600 });
  return file;
}
