import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, realpath, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { environmentPath } from "../environment-mounts.ts";
import { WAIT_FOR_EXEC, supervisorPath } from "../exec-start.ts";
import { logPath } from "../host-launcher.ts";
import type { Launcher, SandboxPlace } from "../host-launcher.ts";
import { SANDBOX_MARK, killNow, markedProcesses, processIdentity } from "../host-process.ts";
import { RUNNER_PATHS } from "../port.ts";
import type { SandboxSpec } from "../port.ts";

const START_TIMEOUT_MS = 20_000;

/**
 * The shell writes down its own number before anything else, so that a crash of the server cannot lose it, stays as the
 * group's leader, keeps the runner's exit code, and takes the rest of the group with it.
 */
const SHELL_PROGRAM = `printf "%s\\n" "$$" > "$0/pid"
${WAIT_FOR_EXEC}
"$1" "$2"; printf "%s\\n" "$?" > "$0/exit-code"
kill -KILL 0`;

/** Starts the runner as a plain process of this host. */
export function processLauncher(): Launcher {
  return {
    name: "unsafe-process",
    async start(place, spec, { signal, onExit }) {
      await Promise.all(["pid", "exit-code"].map((name) => rm(join(place.folders.log, name), { force: true })));
      const env = await environment(place, spec);
      const log = openSync(logPath(place), "a", 0o600);
      let failure: string | null = null;
      try {
        const command = [process.execPath, spec.runner.bundle, supervisorPath(), place.sockets];
        const child = spawn("/bin/sh", ["-c", SHELL_PROGRAM, place.folders.log, ...command], {
          cwd: place.folders.workspace,
          env,
          detached: true,
          stdio: ["ignore", log, log],
        });
        child.on("error", (error) => {
          failure = error.message;
        });
        child.on("exit", onExit);
        child.unref();
      } finally {
        closeSync(log);
      }
      const deadline = performance.now() + START_TIMEOUT_MS;
      for (;;) {
        const pid = await readNumber(place, "pid");
        if (pid !== null) return pid;
        if (failure !== null || performance.now() > deadline) {
          throw new RuntimeError("sandbox_unavailable", `The runner did not start: ${failure ?? "too slow"}`);
        }
        signal.throwIfAborted();
        await sleep(2);
      }
    },
    async recover(place) {
      const pid = await readNumber(place, "pid");
      if (pid === null) return null;
      // Elsewhere the environment of a process cannot be read; there its number must do.
      return process.platform !== "linux" || markedProcesses(place.key).includes(pid) ? pid : null;
    },
    /** Its group, and whoever left the group but still carries the mark. */
    kill(place, pid) {
      if (pid !== null) killNow(-pid);
      const marked = markedProcesses(place.key).filter((one) => processIdentity(one) !== null);
      for (const one of marked) killNow(one);
      return marked.length === 0 && (pid === null || processIdentity(pid) === null);
    },
    exitCode: (place) => readNumber(place, "exit-code"),
  };
}

async function readNumber(place: SandboxPlace, name: string): Promise<number | null> {
  const text = await readFile(join(place.folders.log, name), "utf8").catch(() => "");
  return /^\d+\n$/.test(text) ? Number(text) : null;
}

/** Only what is named here: nothing else of the server's environment reaches the agent. */
async function environment(place: SandboxPlace, spec: SandboxSpec): Promise<Record<string, string>> {
  const { folders } = place;
  await linkPackages(folders.packages, spec);
  const installed = place.environment?.folder;
  const path = `${dirname(process.execPath)}:${process.env["PATH"] ?? "/usr/bin:/bin"}`;
  if (installed !== undefined) await linkModules(folders.root, installed);
  const temporary = join(folders.root, "tmp");
  await mkdir(temporary, { recursive: true });
  return {
    LANG: "C.UTF-8",
    SHELL: "/bin/sh",
    TMPDIR: temporary,
    // It has the network of this host: whoever asks for no isolation is not sent through a proxy.
    AGENT_RUNTIME_NETWORK: "own",
    ...spec.environment,
    PATH: installed === undefined ? path : environmentPath(installed, path),
    HOME: folders.home,
    [SANDBOX_MARK]: place.key,
    [RUNNER_PATHS.workspace]: folders.workspace,
    [RUNNER_PATHS.home]: folders.home,
    [RUNNER_PATHS.state]: folders.state,
    [RUNNER_PATHS.sockets]: place.sockets,
    [RUNNER_PATHS.packages]: folders.packages,
    ...(installed === undefined ? {} : { [RUNNER_PATHS.environment]: installed }),
  };
}

/** Beside the workspace, where Node looks from every folder in it. */
async function linkModules(root: string, installed: string): Promise<void> {
  const link = join(root, "node_modules");
  await rm(link, { force: true });
  await symlink(join(installed, "node_modules"), link);
}

async function linkPackages(folder: string, spec: SandboxSpec): Promise<void> {
  for (const [name, path] of Object.entries(spec.runner.packages)) {
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await rm(link, { force: true });
    await symlink(await realpath(path), link);
  }
}
