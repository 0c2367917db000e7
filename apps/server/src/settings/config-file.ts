import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { OPTION_NAMES } from "./options.ts";

/** Looked for in the working directory. */
export const CONFIG_FILE = "agent-runtime.config.ts";

const KEYS = new Set<string>([...OPTION_NAMES, "profiles"]);

/** The default export of the configuration file, with known names only; empty where there is no file. */
export async function readConfigFile(folder: string): Promise<Record<string, unknown>> {
  const path = join(folder, CONFIG_FILE);
  if (!existsSync(path)) return {};
  let loaded: Record<string, unknown>;
  try {
    loaded = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new RuntimeError(
      "invalid_configuration",
      `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
  const config = loaded["default"];
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new RuntimeError("invalid_configuration", `${path} must have an object as its default export.`);
  }
  const unknown = Object.keys(config).filter((key) => !KEYS.has(key));
  if (unknown.length > 0) {
    throw new RuntimeError(
      "invalid_configuration",
      `${path}: unknown ${unknown.join(", ")}. Known are ${[...KEYS].join(", ")}.`,
    );
  }
  return config as Record<string, unknown>;
}
