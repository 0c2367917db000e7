import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = join(dirname(fileURLToPath(import.meta.url)), "../..");

interface Manifest {
  readonly name: string;
  readonly exports?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

export interface Violation {
  readonly rule: string;
  readonly from: string;
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function folders(): Promise<string[]> {
  const packages = await readdir(join(repository, "packages"));
  return [...packages.map((name) => `packages/${name}`), "apps/server", "tests", "bench", "examples"];
}

const manifestOf = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(repository, folder, "package.json"), "utf8")) as Manifest;

async function linkDependencies(root: string, folder: string, homes: Map<string, string>): Promise<void> {
  const { dependencies, devDependencies } = await manifestOf(folder);
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const home = homes.get(name);
    const place = join(root, folder, "node_modules", name);
    await mkdir(dirname(place), { recursive: true });
    // A foreign package is an empty one: the rules look at who is imported, never at what is inside.
    if (home !== undefined) await symlink(join(root, home), place);
    else {
      await put(join(place, "package.json"), JSON.stringify({ name, version: "1.0.0", main: "index.js" }));
      await put(join(place, "index.js"), "");
    }
  }
}

/** A workspace of this project's shape in a temporary folder: real manifests and rules, empty sources. */
export async function smallWorkspace(): Promise<{ root: string; remove: () => Promise<void> }> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "agent-runtime-arrows-")));
  await cp(join(repository, ".dependency-cruiser.mjs"), join(root, ".dependency-cruiser.mjs"));
  const homes = new Map<string, string>();
  for (const folder of await folders()) homes.set((await manifestOf(folder)).name, folder);
  for (const folder of await folders()) {
    const manifest = await manifestOf(folder);
    await put(join(root, folder, "package.json"), JSON.stringify(manifest));
    for (const entry of Object.values(manifest.exports ?? {}))
      await put(join(root, folder, entry), "export const entry = 1;\n");
    await linkDependencies(root, folder, homes);
  }
  return { root, remove: () => rm(root, { recursive: true, force: true }) };
}

/** Writes `files` (path → source) into the workspace at `root`. */
export async function plant(root: string, files: Record<string, string>): Promise<void> {
  for (const [path, source] of Object.entries(files)) await put(join(root, path), source);
}

/** What dependency-cruiser finds in the workspace at `root`. */
export async function violationsIn(root: string): Promise<Violation[]> {
  const program = join(repository, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
  const args = [
    "--config",
    ".dependency-cruiser.mjs",
    "--output-type",
    "json",
    "packages",
    "apps",
    "tests",
    "bench",
    "examples",
  ];
  const text = await new Promise<string>((resolve, reject) => {
    // It exits with the number of violations, so only an answer that is no JSON is a failure.
    execFile(process.execPath, [program, ...args], { cwd: root, maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
      stdout.startsWith("{") ? resolve(stdout) : reject(error ?? new Error(stderr)),
    );
  });
  const { summary } = JSON.parse(text) as { summary: { violations: { from: string; rule: { name: string } }[] } };
  return summary.violations.map(({ from, rule }) => ({ from, rule: rule.name }));
}
