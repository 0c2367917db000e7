import type { ClientError, FilesAt, SessionSnapshot } from "@hhopkins/agent-runtime-client";
import type { FileEntry, WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { useContext, useMemo } from "react";
import { useAgentService } from "./provider.ts";
import { StillStore } from "./session-state-provider.ts";
import { useSessionAction } from "./use-session-action.ts";
import { noSession, useSessionSelector } from "./use-session-selector.ts";

export interface UseWorkspaceFiles {
  readonly files: readonly WorkspaceFile[];
  /** A file with its content, or with `truncated: true` where that is too large for the state: see `readFile`. */
  readonly getFile: (path: string) => WorkspaceFile | undefined;
  /** The file's bytes, from the server; with `seq` as they were after that event, or at the `start`. By default as `files` are. */
  readonly readFile: (path: string, at?: FilesAt) => Promise<Uint8Array>;
  /** Writes a file, new or not; that it is there shows in `files`, as what the agent does. */
  readonly writeFile: (path: string, bytes: Blob | Uint8Array<ArrayBuffer>) => Promise<FileEntry>;
  /** Removes a file, a symlink or an empty folder. */
  readonly deleteFile: (path: string) => Promise<void>;
  /** `writeFile` or `deleteFile` is under way. */
  readonly isWriting: boolean;
  /** Why the last of these two failed; gone when another one begins. */
  readonly error: ClientError | undefined;
}

const NONE: readonly WorkspaceFile[] = [];

function filesOf({ state }: SessionSnapshot): readonly WorkspaceFile[] {
  return state?.workspaceFiles ?? NONE;
}

/** The files of a session's workspace, live. The functions reject with `ClientError`. */
export function useWorkspaceFiles(sessionId: string | undefined): UseWorkspaceFiles {
  const { client } = useAgentService();
  const files = useSessionSelector(sessionId, filesOf);
  const { act, isRunning, error } = useSessionAction(sessionId);
  const still = useContext(StillStore);
  const shown = still?.sessionId === sessionId ? still?.getSnapshot().state?.lastSeq : undefined;
  const getFile = useMemo(() => {
    const byPath = new Map(files.map((file) => [file.path, file]));
    return (path: string) => byPath.get(path);
  }, [files]);
  const functions = useMemo(() => {
    const now: FilesAt = shown === undefined ? {} : { seq: shown };
    return {
      readFile: (path: string, at: FilesAt = {}) =>
        sessionId === undefined ? Promise.reject(noSession()) : client.readFile(sessionId, path, { ...now, ...at }),
      writeFile: (path: string, bytes: Blob | Uint8Array<ArrayBuffer>) =>
        act((service, id) => service.putFile(id, path, bytes)),
      deleteFile: (path: string) => act((service, id) => service.deleteFile(id, path)),
    };
  }, [client, sessionId, shown, act]);
  return { files, getFile, ...functions, isWriting: isRunning, error };
}
