import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { Command, CommanderError, Option } from "commander";
import { exportTo, importFrom } from "./archive/archive.ts";
import { convexFunctions, FUNCTIONS_FOLDER } from "./convex/functions.ts";
import { doctor } from "./doctor/doctor.ts";
import { gateway } from "./gateway/gateway.ts";
import { serve } from "./serve/serve.ts";
import { environmentNameOf, OPTION_NAMES, OPTIONS, type OptionName } from "./settings/options.ts";
import { resolveSettings, type Settings } from "./settings/settings.ts";
import { MIGRATIONS_FOLDER, supabaseMigrations } from "./supabase/migrations.ts";

/** 0: clean; 1: a fault; 2: wrong usage or configuration. */
export type ExitCode = number;

/** Runs the command line (without `node` and the script) to its end. Never rejects. */
export async function runCommand(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = 0;
  const program = new Command("agent-runtime")
    .description("Runs a fleet of AI coding agents. Without a command it serves.")
    .exitOverride()
    .configureHelp({ showGlobalOptions: true });
  const settingsOf = (flags: Record<string, unknown>): Promise<Settings> =>
    resolveSettings({ flags, environment: process.env, folder: process.cwd() });
  const add = (command: Command, action: (settings: Settings) => Promise<ExitCode>, options = OPTION_NAMES): void => {
    addOptions(command.allowExcessArguments(false).exitOverride(), options);
    command.action(async (flags: Record<string, unknown>) => {
      code = await action(await settingsOf(flags));
    });
  };
  add(program.command("serve", { isDefault: true }).description("Serve sessions and the console"), serve);
  add(program.command("doctor").description("Check what serving needs, and say what to do"), doctor);
  const model = "Serve the model to the sandboxes of `serve --gateway external`, and go on when that one restarts";
  add(program.command("gateway").description(model), gateway, [
    "host",
    "port",
    "dataDir",
    "model",
    "gatewayUrl",
    "logLevel",
  ]);
  addStoreOptions(program.command("export <session>").description("Write a session to an archive"))
    .option("--out <file>", "the file; - for standard output (SESSION.ndjson.gz)")
    .action(async (session: string, { out, ...flags }: Record<string, unknown> & { out?: string }) => {
      code = await exportTo(await settingsOf(flags), session, out);
    });
  const what = "Make a session of an archive, or of a transcript of Claude Code (JSONL); - for standard input";
  addStoreOptions(program.command("import <file>").description(what), ["profiles", "boundSecrets"])
    .option("--session-id <id>", "id of the new session (the one that it had)")
    .option("--agent-profile <id>", "its profile (the one that it had)")
    .option("--name <name>", "its name (the one that it had)")
    .action(async (file: string, { sessionId, agentProfile, name, ...flags }: Record<string, string | undefined>) => {
      code = await importFrom(await settingsOf(flags), file, { sessionId, agentProfileRef: agentProfile, name });
    });
  program
    .command("supabase-migrations [folder]")
    .description(`Copy the SQL files that a Supabase project needs (into ${MIGRATIONS_FOLDER})`)
    .option("--schema <name>", "an exposed schema for the functions (public)")
    .allowExcessArguments(false)
    .exitOverride()
    .action(async (folder: string | undefined, { schema }: { schema?: string }) => {
      code = await supabaseMigrations(folder ?? MIGRATIONS_FOLDER, schema);
    });
  program
    .command("convex-functions [folder]")
    .description(`Copy the functions that a Convex project needs (into ${FUNCTIONS_FOLDER})`)
    .option("--force", "overwrite files that were changed")
    .allowExcessArguments(false)
    .exitOverride()
    .action(async (folder: string | undefined, { force }: { force?: boolean }) => {
      code = await convexFunctions(folder ?? FUNCTIONS_FOLDER, force === true);
    });
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    return explain(error);
  }
}

/** For commands that work on a store, without a server. */
function addStoreOptions(command: Command, more: readonly OptionName[] = []): Command {
  addOptions(command.allowExcessArguments(false).exitOverride(), ["dataDir", "persistence", ...more]);
  return command;
}

function addOptions(command: Command, options: readonly OptionName[]): void {
  for (const name of options) {
    const { flag, description } = OPTIONS[name];
    // Environment and defaults are resolved with the configuration file, so commander is told of flags alone.
    command.addOption(new Option(flag, `${description} [${environmentNameOf(name)}]`));
  }
}

function explain(error: unknown): ExitCode {
  // Commander has said already what it says.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof RuntimeError) {
    process.stderr.write(`agent-runtime: ${error.message}\n`);
    return error.code === "invalid_configuration" ? 2 : 1;
  }
  process.stderr.write(`agent-runtime: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}
