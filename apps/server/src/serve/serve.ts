import type { Logger } from "pino";
import type { Settings } from "../settings/settings.ts";
import { createLog } from "./log.ts";
import { describeSandbox } from "./parts.ts";
import { startServer, type RunningServer } from "./server.ts";

/** Serves until SIGTERM or SIGINT; resolves with the exit code. Rejects with a `RuntimeError` where it cannot start. */
export async function serve(settings: Settings): Promise<number> {
  const log = createLog(settings.logLevel);
  watchProcess(log);
  const server = await startServer({ settings, log, environment: process.env });
  process.stdout.write(welcome(server, settings));
  await signalled();
  process.stdout.write("Stopping: saving what runs. Once more stops at once.\n");
  try {
    await server.close();
    return 0;
  } catch (error) {
    log.error({ err: error }, "The shutdown failed");
    return 1;
  }
}

/** What a person needs after the start. The key is shown once in its life. */
export function welcome({ url, apiKey, model, dataDir }: RunningServer, settings: Settings): string {
  const kept = apiKey.file === undefined ? "as given" : `in ${apiKey.file}`;
  const lines = [
    "",
    `  Agent Runtime  ${url}`,
    "",
    `  API key   ${apiKey.isNew ? `${apiKey.key}  (shown this once, kept ${kept})` : kept}`,
    `  Model     ${model.description}`,
    `  Sandbox   ${describeSandbox(settings.sandbox)}`,
    `  Data      ${dataDir}${settings.persistence === "memory" ? " (sessions in memory only)" : ""}`,
    "",
  ];
  return `${lines.join("\n")}\n`;
}

/** Resolves at the first signal to stop; the second one ends the process at once. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (): void => {
      count += 1;
      if (count > 1) process.exit(1);
      resolve();
    };
    process.on("SIGTERM", onSignal);
    process.on("SIGINT", onSignal);
  });
}

/** A promise that nobody waits for must not end every session; a broken invariant must, with a line that says why. */
function watchProcess(log: Logger): void {
  // Whoever read what we say may have gone (a closed terminal, `| head`): that is no reason to stop working.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  process.on("unhandledRejection", (error) => log.error({ err: error }, "A rejection that nobody handled"));
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "A fault that nobody handled");
    process.exit(1);
  });
}
