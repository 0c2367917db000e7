import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** The version that this was written and tested with. */
const NPM_VERSION = "11.21.2";

/**
 * The folder of the package `npm`, which installs packages inside: as a dependency of the application or of this
 * package, else the one that came with Node. `from`: files or folders, as paths or `file:` URLs. Throws
 * `missing_dependency` with the install command.
 */
export function npmPackage(from: readonly string[], node: string = process.execPath): string {
  const beside = [join(dirname(dirname(realpathSync(node))), "lib")];
  const starts = [...from.map(folderOf).flatMap(foldersAbove), ...beside];
  for (const start of starts) {
    const folder = join(start, "node_modules", "npm");
    // Debian's npm has its parts all over the system and is none that could be shown to a sandbox as one folder.
    if (existsSync(join(folder, "bin/npm-cli.js")) && existsSync(join(folder, "node_modules"))) {
      return realpathSync(folder);
    }
  }
  throw new RuntimeError(
    "missing_dependency",
    `The profile wants packages installed, and there is no npm to do it. Run: npm install npm@${NPM_VERSION}`,
  );
}

function folderOf(from: string): string {
  const path = from.startsWith("file:") ? fileURLToPath(from) : from;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : dirname(path);
}

function foldersAbove(folder: string): readonly string[] {
  return folder === dirname(folder) ? [folder] : [folder, ...foldersAbove(dirname(folder))];
}
