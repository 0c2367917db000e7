import type { Settings } from "../settings/settings.ts";
import { createLog } from "./log.ts";
import { describePersistence, describeSandbox } from "./parts.ts";
import { signalled, watchProcess } from "./process-life.ts";
import { startServer, type RunningServer } from "./server.ts";

/** Serves until SIGTERM or SIGINT; resolves with the exit code. Rejects with a `RuntimeError` where it cannot start. */
export async function serve(settings: Settings): Promise<number> {
  const log = createLog(settings.logLevel);
  watchProcess(log);
  const server = await startServer({ settings, log, environment: process.env });
  // Who reads the welcome may end the server at once.
  const end = signalled();
  process.stdout.write(welcome(server, settings));
  await end;
  process.stdout.write("Stopping: saving what runs. Once more stops at once.\n");
  try {
    await server.close();
    return 0;
  } catch (error) {
    log.error({ err: error }, "The shutdown failed");
    return 1;
  }
}

/** What a person needs after the start. The key is shown at its first one only. */
export function welcome({ url, link, apiKey, model, dataDir }: RunningServer, settings: Settings): string {
  const kept = apiKey.file === undefined ? "as given" : `in ${apiKey.file}`;
  const lines = [
    "",
    `  Agent Runtime  ${url}`,
    "",
    `  Open      ${link}`,
    `  API key   ${apiKey.isNew ? `${apiKey.key}  (shown this once, kept ${kept})` : kept}`,
    `  Model     ${model.description}`,
    `  Sandbox   ${describeSandbox(settings.sandbox)}`,
    `  Data      ${dataDir}${describePersistence(settings.persistence)}`,
    "",
  ];
  return `${lines.join("\n")}\n`;
}
