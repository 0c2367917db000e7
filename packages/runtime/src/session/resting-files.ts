/** What a person changes in a workspace that is in no sandbox: what a sandbox would have told, as one write. */
import type { EventDraft, FileEntry, FileRefusal, SessionState, WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import type { LogWrite } from "../log/session-log.ts";
import { eventFile } from "../persistence/file-changes.ts";

const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/** A file whose bytes are kept already. */
export interface GivenFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

type RestingRefusal = Exclude<FileRefusal, "ending" | "denied">;

/** A write; nothing where all is as it should be; or why it cannot be. */
export type RestingChange = LogWrite | undefined | RestingRefusal;

/** `content`: of a short text. */
export function restingWrite(
  state: Pick<SessionState, "sessionId" | "workspaceFiles">,
  file: GivenFile,
  { at, content }: { at: Date; content: string | undefined },
): RestingChange {
  const { sessionId, workspaceFiles: files } = state;
  const refused = refusedAbove(files, file.path) ?? refusedAt(files, file.path);
  if (refused !== undefined) return refused;
  const before = files.find(({ path }) => path === file.path);
  if (before?.sha256 === file.sha256) return undefined;
  const modifiedAt = at.toISOString();
  const entry: FileEntry = {
    ...file,
    type: "file",
    mode: before?.mode ?? FILE_MODE,
    createdAt: before?.createdAt ?? modifiedAt,
    modifiedAt,
  };
  // A folder stands among the files for as long as it is empty.
  const filled = files.filter(({ path, type }) => type === "directory" && file.path.startsWith(`${path}/`));
  const type = before === undefined ? "session:file:created" : "session:file:modified";
  return {
    events: [
      ...filled.map(({ path }) => deleted(sessionId, path)),
      { type, data: { sessionId, file: eventFile(entry, content) } },
    ],
    files: { put: [entry], deleted: filled.map(({ path }) => path) },
  };
}

export function restingRemoval(
  { sessionId, workspaceFiles: files }: Pick<SessionState, "sessionId" | "workspaceFiles">,
  path: string,
): RestingChange {
  if (!files.some((file) => file.path === path)) return holdsFiles(files, path) ? "folder" : "missing";
  const left = files.filter((file) => file.path !== path);
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  const emptied: FileEntry[] =
    folder === "" || holdsFiles(left, folder) ? [] : [{ path: folder, type: "directory", mode: DIRECTORY_MODE }];
  return {
    events: [
      deleted(sessionId, path),
      ...emptied.map((file): EventDraft => ({ type: "session:file:created", data: { sessionId, file } })),
    ],
    files: { put: emptied, deleted: [path] },
  };
}

function refusedAbove(files: readonly WorkspaceFile[], path: string): RestingRefusal | undefined {
  const above = files.find(({ path: other, type }) => type !== "directory" && path.startsWith(`${other}/`));
  if (above === undefined) return undefined;
  return above.type === "symlink" ? "below_symlink" : "below_file";
}

function refusedAt(files: readonly WorkspaceFile[], path: string): RestingRefusal | undefined {
  const type = files.find((file) => file.path === path)?.type;
  if (type === "symlink") return "symlink";
  return type === "directory" || holdsFiles(files, path) ? "folder" : undefined;
}

function holdsFiles(files: readonly WorkspaceFile[], folder: string): boolean {
  return files.some(({ path }) => path.startsWith(`${folder}/`));
}

function deleted(sessionId: string, path: string): EventDraft {
  return { type: "session:file:deleted", data: { sessionId, path } };
}
