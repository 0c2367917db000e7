import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { SpawnedProcess, SpawnOptions } from "@anthropic-ai/claude-agent-sdk";

/** The harness's process, with everything that it has started. */
export interface HarnessProcess {
  readonly process: SpawnedProcess;
  readonly pid: number;
  /** The end of what it wrote to standard error, for the log. */
  errorTail(): string;
  /**
   * Ends it with SIGKILL, and every process that it left, also when it is gone itself: a tool that goes on alone
   * would change files behind the log's back.
   */
  kill(): void;
}

const TAIL_CHARS = 4000;
/** Stands in the environment of the harness and, by inheritance, of all that it starts. */
const MARK = "AGENT_RUNTIME_HARNESS";

export function spawnHarness({ command, args, cwd, env }: SpawnOptions): HarnessProcess {
  const mark = randomUUID();
  const child = spawn(command, args, {
    cwd,
    env: { ...env, [MARK]: mark },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  let tail = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-TAIL_CHARS);
  });
  // A write to a process that has just died must not end ours.
  child.stdin.on("error", () => undefined);
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killQuietly(-child.pid);
    // Its tools run in sessions of their own, and lose their parent when it dies.
    for (const pid of marked(`${MARK}=${mark}`)) killQuietly(pid);
  };
  return { process: child, pid: child.pid ?? 0, errorTail: () => tail, kill };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** Processes with that variable, from /proc; none on systems without it. */
function marked(variable: string): number[] {
  return listProcesses().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(variable);
    } catch {
      return false;
    }
  });
}

function listProcesses(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
