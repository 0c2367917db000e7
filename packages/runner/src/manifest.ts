import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** What a sandbox must hold beside the runner so that an architecture can run in it. */
export interface RunnerArchitectureManifest {
  /** npm packages that must be there, the platform's binary among them. */
  readonly packages: readonly string[];
  readonly installCommand: string;
  /**
   * Folder of each package on this machine, symlinks resolved, looked up as Node would from the given files or
   * folders (paths or `file:` URLs; the first that has it wins).
   * Throws `missing_dependency` with the install command.
   */
  resolvePackages(from: string | readonly string[]): Record<string, string>;
}

/** The version that the adapter was written and tested against; also the peer dependency of this package. */
const CLAUDE_SDK_VERSION = "0.3.330";
const CLAUDE_SDK = "@anthropic-ai/claude-agent-sdk";

/** The architectures by name. The SDK's `sdk.mjs` needs no other package at load, only its binary. */
export const RUNNER_ARCHITECTURES: Readonly<Record<string, RunnerArchitectureManifest>> = {
  "claude-agent-sdk": describe({
    sdk: CLAUDE_SDK,
    binary: `${CLAUDE_SDK}-${platformName()}`,
    installCommand: `npm install ${CLAUDE_SDK}@${CLAUDE_SDK_VERSION}`,
  }),
};

function describe(names: { sdk: string; binary: string; installCommand: string }): RunnerArchitectureManifest {
  const { sdk, binary, installCommand } = names;
  return {
    packages: [sdk, binary],
    installCommand,
    resolvePackages(from) {
      const starts = (typeof from === "string" ? [from] : from).map(folderOf);
      const sdkFolder = findPackage(sdk, starts);
      if (sdkFolder === null) {
        throw new RuntimeError("missing_dependency", `The package ${sdk} is not installed. Run: ${installCommand}`);
      }
      // The binary is the SDK's own optional dependency, so it is looked up from there.
      const binaryFolder = findPackage(binary, [sdkFolder]);
      if (binaryFolder === null) {
        throw new RuntimeError(
          "missing_dependency",
          `The package ${binary}, an optional dependency of ${sdk}, is not installed. Run: ${installCommand} --include=optional`,
        );
      }
      return { [sdk]: sdkFolder, [binary]: binaryFolder };
    },
  };
}

/**
 * The bundled runner, one file for Node 22.18 or later. Throws `missing_dependency` where it was not built:
 * only a checkout of the sources can be in that state.
 */
export function runnerBundlePath(): string {
  const path = fileURLToPath(new URL("../dist/runner.mjs", import.meta.url));
  if (existsSync(path)) return path;
  throw new RuntimeError("missing_dependency", `The runner's bundle ${path} is missing. Run: node scripts/bundle.mjs`);
}

function platformName(): string {
  const base = `${process.platform}-${process.arch}`;
  return process.platform === "linux" && usesMusl() ? `${base}-musl` : base;
}

function usesMusl(): boolean {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  // Without this the report looks up names of open connections, which can take seconds.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

function folderOf(from: string): string {
  const path = from.startsWith("file:") ? fileURLToPath(from) : from;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : dirname(path);
}

function findPackage(name: string, starts: readonly string[]): string | null {
  for (const start of starts) {
    for (let folder = start; ; folder = dirname(folder)) {
      const candidate = join(folder, "node_modules", name);
      if (existsSync(join(candidate, "package.json"))) return realpathSync(candidate);
      if (folder === dirname(folder)) break;
    }
  }
  return null;
}
