import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { COMMAND, COMMAND_ENVIRONMENT } from "../../scripts/test-command.ts";
import { processGroup, processTree } from "./process-tree.ts";
import { isAlive } from "./processes.ts";
import { API_KEY, CANARY } from "./runtime-under-test.ts";
import { untilState } from "./state-condition.ts";

/** The real command, or another program, in a process of its own. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** What it printed so far, both streams. */
  output(): string;
  request(method: string, path: string, body?: unknown): Promise<Response>;
  state(sessionId: string): Promise<SessionState>;
  /** The body of `GET /sessions/:id`, as it came. */
  stateText(sessionId: string): Promise<string>;
  until(sessionId: string, condition: (state: SessionState) => boolean): Promise<SessionState>;
  /** Ends the process with a signal and waits for it; resolves with its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Resolves when the process is gone, whoever ended it. */
  readonly exited: Promise<void>;
}

export interface ServerProcessOptions {
  /** Working directory; the data directory is `data` in it. */
  readonly folder: string;
  readonly modelUrl: string;
  /** Instead of the command: it prints its address when it listens. */
  readonly program?: string;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Kills the process, also while it starts. */
  readonly signal?: AbortSignal;
}

export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const flags = [
    "--port",
    "0",
    "--data-dir",
    join(options.folder, "data"),
    "--api-key",
    API_KEY,
    ...(options.flags ?? []),
  ];
  const child = spawn(process.execPath, [options.program ?? COMMAND, "serve", ...flags], {
    cwd: options.folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...COMMAND_ENVIRONMENT,
      ANTHROPIC_API_KEY: CANARY,
      ANTHROPIC_BASE_URL: options.modelUrl,
      ...options.environment,
    },
  });
  const output: string[] = [];
  const exited = once(child, "exit").then(() => undefined);
  options.signal?.addEventListener("abort", () => child.kill("SIGKILL"));
  const url = await listeningUrl(child, output);
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
  const request: ServerProcess["request"] = (method, path, body) =>
    fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const stateText: ServerProcess["stateText"] = async (sessionId) => {
    const response = await request("GET", `/sessions/${sessionId}`);
    if (response.status !== 200)
      throw new Error(`GET /sessions/${sessionId}: ${response.status} ${await response.text()}`);
    return response.text();
  };
  const state: ServerProcess["state"] = async (sessionId) => JSON.parse(await stateText(sessionId)) as SessionState;
  const end: ServerProcess["end"] = async (signal) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, "exit");
    child.kill(signal);
    const [code] = (await exited) as [number | null];
    return code;
  };
  return {
    url,
    pid: child.pid ?? 0,
    output: () => output.join("\n"),
    request,
    state,
    stateText,
    until: (sessionId, condition) =>
      untilState(
        { sessionId, state, events: (path, signal) => fetch(`${url}${path}`, { headers, signal }) },
        condition,
      ),
    end,
    exited,
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
}

/** The address that the server prints when it listens; rejects with its output when it ends before. */
function listeningUrl(child: ChildProcess, output: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        output.push(line);
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
        if (found !== null) resolve(found[0]);
      });
    }
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${output.join("\n")}`)));
  });
}

/** Ends sandboxes that a killed server left in its folder, by the pid that each one's record holds, and waits until they have. */
export async function endSandboxes(folder: string): Promise<void> {
  const sandboxes = join(folder, "data", "sandboxes");
  for (const name of await readdir(sandboxes).catch(() => [])) {
    const record = await readFile(join(sandboxes, name, "sandbox.json"), "utf8").catch(() => "{}");
    const { process: sandbox } = JSON.parse(record) as { process?: { pid: number } };
    if (sandbox === undefined) continue;
    // In its group is what nobody's child is: the shell that waits to start programs.
    const all = [...(await processTree(sandbox.pid)), ...(await processGroup(sandbox.pid))];
    // The record may be old: only what still is a sandbox of this folder is ended.
    if (!all.some(({ command }) => command.includes("runner.mjs"))) continue;
    for (const { pid } of all) kill(pid);
    // What still writes would lay files into a folder that is being removed.
    while (all.some(({ pid }) => isAlive(pid))) await delay(10);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It went with its parent.
  }
}
