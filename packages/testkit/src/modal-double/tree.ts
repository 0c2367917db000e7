import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { chmod, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A package of this machine that an image shows as installed: bound read-only, since it can be large. */
export interface Bind {
  /** Of this host. */
  readonly from: string;
  /** Inside. */
  readonly to: string;
}

/** A file system: a folder of this host that becomes `/`, over which the host's programs are laid, and binds. */
export interface Tree {
  readonly folder: string;
  readonly binds: readonly Bind[];
}

const FOLDERS = [
  "__modal/.bin",
  "__modal/.init",
  "dev",
  "etc",
  "home",
  "mnt",
  "opt",
  "proc",
  "root",
  "run",
  "srv",
  "tmp",
  "usr/local/bin",
  "usr/local/lib",
  "var/lib",
  "var/log",
  "var/tmp",
];

const ETC = {
  passwd: "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
  group: "root:x:0:\nnogroup:x:65534:\n",
  hosts: "127.0.0.1 localhost modal\n::1 localhost\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
  "resolv.conf": "",
  hostname: "modal\n",
} as const;

/** Of the host's /etc, where it is there: its certificates, and what its programs need to be found. */
export const SHOWN_OF_ETC = ["/etc/ssl/certs", "/etc/alternatives", "/etc/ld.so.cache"] as const;

/** `/bin`, `/lib`, …: symlinks into /usr, or, on older systems, folders that must be bound. */
export const SYSTEM_FOLDERS = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] as const;

export interface BaseTreeOptions {
  readonly folder: string;
  /** For `npm`, which finds the packages of this machine first. */
  readonly npm: string | null;
}

/** What stands for every image of a registry: an empty system beside this machine's programs. */
export async function makeBaseTree({ folder, npm }: BaseTreeOptions): Promise<Tree> {
  for (const name of FOLDERS) await mkdir(join(folder, name), { recursive: true });
  for (const name of ["tmp", "var/tmp"]) await chmod(join(folder, name), 0o1777);
  await chmod(join(folder, "root"), 0o700);
  for (const [name, text] of Object.entries(ETC)) await writeFile(join(folder, "etc", name), text);
  // Inside, the double's own programs are modules, whatever a package.json above them says.
  await writeFile(join(folder, "__modal/package.json"), '{ "type": "module" }\n');
  for (const path of SYSTEM_FOLDERS) {
    if (existsSync(path) && lstatSync(path).isSymbolicLink()) await symlink(readlinkSync(path), join(folder, path));
  }
  for (const path of SHOWN_OF_ETC) {
    if (!existsSync(path)) continue;
    if (lstatSync(path).isDirectory()) await mkdir(join(folder, path), { recursive: true });
    else await writeFile(join(folder, path), "");
  }
  if (npm !== null) await writeFile(join(folder, "usr/local/bin/npm"), npm, { mode: 0o755 });
  return { folder, binds: [] };
}

/** What bubblewrap lays over a tree, by the paths where it does. */
function mountPoints({ binds }: Tree): readonly string[] {
  const fixed = ["dev", "proc", "usr/local/bin/node", "__modal/.init", "__modal/.bin", "__modal/packages"];
  const shown = [...SHOWN_OF_ETC, "/etc/resolv.conf", ...SYSTEM_FOLDERS.filter((path) => isFolder(path))];
  return [...fixed, ...shown, ...binds.map(({ to }) => to)];
}

/**
 * A program inside may have put a link where something is to be laid over, or above it: bubblewrap would follow it, and
 * make folders of this machine. Throws then.
 */
function refuseLinks(tree: Tree): void {
  for (const path of mountPoints(tree)) {
    const names = path.split("/").filter(Boolean);
    for (const at of names.keys()) {
      const there = join(tree.folder, ...names.slice(0, at + 1));
      if (lstatSync(there, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
        throw new Error(`The file system has a link at /${names.slice(0, at + 1).join("/")}`);
      }
    }
  }
}

export function isFolder(path: string): boolean {
  return existsSync(path) && lstatSync(path).isDirectory();
}

/** A copy with links, modes and times; by `cp`, which shares the bytes where the file system can. */
export async function copyTree(tree: Tree, folder: string): Promise<Tree> {
  await mkdir(folder, { recursive: true });
  const copy = spawn("cp", ["-a", "--reflink=auto", `${tree.folder}/.`, folder], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said: string[] = [];
  copy.stderr.on("data", (text: Buffer) => said.push(text.toString()));
  const [code] = (await once(copy, "close")) as [number | null];
  // A file that went away while it was copied is no failure: the sandbox runs on.
  if (code !== 0 && !existsSync(join(folder, "etc/passwd")))
    throw new Error(`cp failed: ${said.join("").slice(0, 500)}`);
  const made = { folder, binds: tree.binds };
  refuseLinks(made);
  return made;
}

export async function removeTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
