/** The runner's process. Its environment is in `environment.ts`; it ends with 0 when it was told to, or was alone for too long. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import { findArchitecture } from "./architectures.ts";
import { settingsFrom } from "./environment.ts";
import { runInstallTask } from "./install/task.ts";
import { createFileLog } from "./log.ts";
import { startRunner } from "./runner.ts";
import type { Runner } from "./runner.ts";

const STOP_MS = 20_000;

async function main(): Promise<void> {
  const settings = settingsFrom(process.env);
  mkdirSync(settings.paths.state, { recursive: true });
  const now = () => new Date();
  const log = createFileLog(join(settings.paths.state, "runner.log"), now);
  let runner: Runner | null = null;
  let stopping = false;

  function end(code: number, reason: string): void {
    if (stopping) return;
    stopping = true;
    log(`runner: ends, ${reason}`);
    // Whatever hangs: the process does end.
    setTimeout(() => process.exit(code), STOP_MS).unref();
    void (runner?.stop() ?? Promise.resolve())
      .catch((error: unknown) => log("runner: stop failed", error))
      .finally(() => process.exit(code));
  }

  process.on("uncaughtException", (error) => {
    log("runner: uncaught exception", error);
    process.stderr.write(`runner: ${error.message}\n`);
    end(1, "uncaught exception");
  });
  process.on("unhandledRejection", (reason) => log("runner: unhandled rejection", reason));
  process.on("SIGTERM", () => end(0, "SIGTERM"));
  process.on("SIGINT", () => end(0, "SIGINT"));
  process.on("SIGHUP", () => log("runner: SIGHUP ignored"));

  log("runner: starts", { generation: settings.generation, pid: process.pid, node: process.version });
  runner = await startRunner({ ...settings, findArchitecture, now, log });
  await runner.alone;
  end(0, "alone for too long");
}

/** The bundle has another task: to set up an environment, in a sandbox of its own. */
const task = process.env["AGENT_RUNTIME_TASK"] === "install" ? runInstallTask(process.env) : main();
task.catch((error: unknown) => {
  const { code, message } = toRuntimeError(error);
  process.stderr.write(`runner: ${code}: ${message}\n`);
  process.exit(2);
});
