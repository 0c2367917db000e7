import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

export interface CopyConvexFunctionsOptions {
  /** The folder of functions in your Convex project. Its name must be `agentRuntime`: that is where the adapter calls them. */
  readonly folder: string;
  /** Files that differ are overwritten. */
  readonly force?: boolean;
}

export interface CopiedFunctions {
  /** Its absolute path. */
  readonly folder: string;
  readonly written: readonly string[];
  /** Names of files that were there already, the same. */
  readonly unchanged: readonly string[];
}

/** The sources, in the workspace as in the published package. */
const SOURCES = fileURLToPath(new URL("../../../src/persistence/convex/functions/", import.meta.url));

/**
 * Copies the functions that `convexPersistence` calls into a Convex project. Throws `conflict`, and writes nothing,
 * where a file is there that is not the same, unless `force` says otherwise.
 */
export function copyConvexFunctions({ folder, force = false }: CopyConvexFunctionsOptions): CopiedFunctions {
  const to = resolve(folder);
  if (basename(to) !== "agentRuntime") {
    const message = `${to}: the folder's name must be agentRuntime, such as convex/agentRuntime`;
    throw new RuntimeError("invalid_configuration", message, { field: "folder" });
  }
  const files = functionSources().map((file) => ({ ...file, found: contentOf(join(to, file.name)) }));
  const changed = files.filter(({ found, text }) => found !== null && found !== text).map(({ name }) => name);
  if (changed.length > 0 && !force) {
    const message = `${to}: ${changed.join(", ")} differ from this version's: look what they are, or overwrite them with --force`;
    throw new RuntimeError("conflict", message);
  }
  mkdirSync(to, { recursive: true });
  const due = files.filter(({ found, text }) => found !== text);
  for (const { name, text } of due) writeFileSync(join(to, name), text);
  const unchanged = files.filter((file) => !due.includes(file)).map(({ name }) => name);
  return { folder: to, written: due.map(({ name }) => name), unchanged };
}

/** The files as a Convex project has them: its compiler wants imports without `.ts`. */
function functionSources(): { name: string; text: string }[] {
  const names = readdirSync(SOURCES).filter((name) => name.endsWith(".ts"));
  return names.sort().map((name) => {
    const text = readFileSync(join(SOURCES, name), "utf8");
    return { name, text: text.replaceAll(/from "(\.\/[a-z]+)\.ts"/g, 'from "$1"') };
  });
}

function contentOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new RuntimeError("invalid_configuration", `${path}: cannot be read`, { cause: error });
  }
}
