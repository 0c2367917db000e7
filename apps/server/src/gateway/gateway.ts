import { serveGateway } from "@hhopkins/agent-runtime";
import { takeDataDir } from "../serve/data-dir.ts";
import { createLog } from "../serve/log.ts";
import { openModel } from "../serve/model.ts";
import { signalled, watchProcess } from "../serve/process-life.ts";
import type { Settings } from "../settings/settings.ts";

/** Serves the model to the sandboxes of a data directory until SIGTERM or SIGINT; resolves with the exit code. */
export async function gateway(settings: Settings): Promise<number> {
  const log = createLog(settings.logLevel);
  watchProcess(log);
  const dataDir = takeDataDir(settings.dataDir, { as: "gateway" });
  const model = await openModel(settings.model, process.env);
  const credentials = model.credentials === undefined ? {} : { credentials: model.credentials };
  try {
    const { host, port } = settings;
    const listen = settings.gatewayUrl === undefined ? {} : { listen: { host, port } };
    const running = await serveGateway({ dataDir: dataDir.path, log, ...credentials, ...listen });
    // Who reads the welcome may end the gateway at once.
    const end = signalled();
    process.stdout.write(
      `\n  Agent Runtime gateway, for servers with this data directory and --gateway external\n\n  Model  ${model.description}\n  Data   ${dataDir.path}\n${running.url === undefined ? "" : `  URL    ${running.url}\n`}\n`,
    );
    await end;
    await running.close();
    return 0;
  } finally {
    await model.close();
    dataDir.release();
  }
}
