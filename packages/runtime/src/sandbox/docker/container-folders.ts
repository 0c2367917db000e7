import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { foldersOf, makeFolders, makeSocketFolder, removeFolders, removeSocketFolder } from "../host-folders.ts";
import { readRecord, writeRecord } from "../host-record.ts";
import type { SandboxRecord } from "../host-record.ts";
import type { MountedEnvironment } from "../environment-mounts.ts";
import type { SandboxSpec } from "../port.ts";
import { ETC_FILES, etcFile } from "./container-request.ts";
import type { ContainerUser } from "./container-request.ts";

const run = promisify(execFile);

/** What is on this host of a sandbox before its container is there. */
export interface PreparedFolders {
  readonly record: SandboxRecord;
  /** Takes back what was made, and leaves what an earlier start of the same sandbox has left. */
  undo(): Promise<void>;
}

/** Makes the folders of a sandbox, or takes those that it had before. */
export async function prepareFolders(
  spec: SandboxSpec,
  at: {
    dataDir: string;
    socketBase: string | undefined;
    user: ContainerUser;
    environment: MountedEnvironment | undefined;
  },
): Promise<PreparedFolders> {
  const { dataDir, user, environment } = at;
  const before = await readRecord(dataDir, spec.key);
  const kept = before !== null && existsSync(before.sockets);
  const folders = foldersOf(dataDir, spec.key);
  const sockets = kept ? before.sockets : await makeSocketFolder(at.socketBase);
  const installed = environment === undefined ? {} : { environment: environment.name };
  const tags = { ...spec.tags };
  const record: SandboxRecord = { version: 1, provider: "docker", key: spec.key, tags, sockets, ...installed };
  const undo = async (): Promise<void> => {
    if (before === null) await removeFolders(dataDir, spec.key);
    if (!kept) await removeSocketFolder(sockets);
  };
  try {
    await makeFolders(folders);
    await Promise.all(ETC_FILES.map((name) => writeFile(join(folders.etc, name), etcFile(name, user))));
    await Promise.all([folders.workspace, folders.home, folders.state, sockets].map((path) => give(path, user)));
    if (environment?.writable === true) await giveAll(environment.folder, user);
    await writeRecord(dataDir, record);
    return { record, undo };
  } catch (error) {
    await undo();
    throw error;
  }
}

/** The user that a sandbox's programs run as: the server's own, or, since root's sandboxes are not root, one of nobody's. */
export function containerUser(): ContainerUser {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  return uid === 0 ? NOBODYS : { uid, gid };
}

/** Far from the numbers that systems give to people, services and name spaces. */
const NOBODYS: ContainerUser = { uid: 59_877, gid: 59_877 };

/** What is in it is ours: nobody else has written there yet. */
async function giveAll(path: string, { uid, gid }: ContainerUser): Promise<void> {
  if (process.getuid?.() === 0) await run("chown", ["-hR", `${uid}:${gid}`, "--", path]);
}

async function give(path: string, { uid, gid }: ContainerUser): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}
