import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CANARY } from "../testing/runtime-under-test.ts";
import { COMMAND, COMMAND_ENVIRONMENT } from "../../scripts/test-command.ts";

export interface GatewayProcess extends AsyncDisposable {
  readonly pid: number;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** The command `agent-runtime gateway`, ready. */
export async function startGatewayProcess(options: {
  readonly folder: string;
  readonly modelUrl: string;
}): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [COMMAND, "gateway", "--data-dir", join(options.folder, "data")], {
    cwd: options.folder,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...COMMAND_ENVIRONMENT,
      ANTHROPIC_API_KEY: CANARY,
      ANTHROPIC_BASE_URL: options.modelUrl,
    },
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const listening = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.includes("Agent Runtime gateway")) resolve();
    });
  });
  await Promise.race([listening, exited.then((code) => Promise.reject(new Error(`the gateway ended with ${code}`)))]);
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return exited;
  };
  return {
    pid: child.pid ?? 0,
    end,
    async [Symbol.asyncDispose]() {
      await end("SIGKILL");
    },
  };
}
