import { existsSync } from "node:fs";
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { foldersOf, makeFolders, makeSocketFolder, removeFolders, removeSocketFolder } from "../host-folders.ts";
import { readRecord, writeRecord } from "../host-record.ts";
import type { SandboxRecord } from "../host-record.ts";
import type { SandboxSpec } from "../port.ts";
import { ETC_FILES, etcFile } from "./container-request.ts";
import type { ContainerUser } from "./container-request.ts";

/** What is on this host of a sandbox before its container is there. */
export interface PreparedFolders {
  readonly record: SandboxRecord;
  /** Takes back what was made, and leaves what an earlier start of the same sandbox has left. */
  undo(): Promise<void>;
}

/** Makes the folders of a sandbox, or takes those that it had before. */
export async function prepareFolders(
  spec: SandboxSpec,
  at: { dataDir: string; socketBase: string | undefined; user: ContainerUser },
): Promise<PreparedFolders> {
  const { dataDir, user } = at;
  const before = await readRecord(dataDir, spec.key);
  const kept = before !== null && existsSync(before.sockets);
  const folders = foldersOf(dataDir, spec.key);
  const sockets = kept ? before.sockets : await makeSocketFolder(at.socketBase);
  const record: SandboxRecord = { version: 1, provider: "docker", key: spec.key, tags: { ...spec.tags }, sockets };
  const undo = async (): Promise<void> => {
    if (before === null) await removeFolders(dataDir, spec.key);
    if (!kept) await removeSocketFolder(sockets);
  };
  try {
    await makeFolders(folders);
    await Promise.all(ETC_FILES.map((name) => writeFile(join(folders.etc, name), etcFile(name, user))));
    await Promise.all([folders.workspace, folders.home, folders.state, sockets].map((path) => give(path, user)));
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

async function give(path: string, { uid, gid }: ContainerUser): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}
