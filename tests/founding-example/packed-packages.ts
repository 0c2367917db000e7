import { execFile } from "node:child_process";
import { cp, mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

/**
 * Fills `folder/node_modules` as an install of the published packages would: ours compiled, packed and unpacked (the
 * tests' setup has made the bundles), theirs linked to where the workspace has them.
 */
export async function installPacked(folder: string, packages: readonly string[]): Promise<void> {
  const folders = packages.map((name) => join("packages", name));
  await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b", ...folders], { cwd: root });
  for (const name of packages) {
    const source = join(root, "packages", name);
    const tarball = join(folder, `${name}.tgz`);
    await run(process.execPath, [join(root, "scripts/pnpm.mjs"), "pack", "--out", tarball], { cwd: source });
    const unpacked = join(folder, "unpacked", name);
    await mkdir(unpacked, { recursive: true });
    await run("tar", ["-xzf", tarball, "-C", unpacked]);
    const manifest = JSON.parse(await readFile(join(unpacked, "package/package.json"), "utf8")) as Manifest & {
      name: string;
    };
    const target = join(folder, "node_modules", manifest.name);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(unpacked, "package"), target, { recursive: true });
    for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
      if (!dependency.startsWith("@hhopkins/"))
        await link(folder, dependency, join(source, "node_modules", dependency));
    }
  }
  await link(folder, "@types/node", join(root, "node_modules/@types/node"));
}

async function link(folder: string, name: string, target: string): Promise<void> {
  const path = join(folder, "node_modules", name);
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}
