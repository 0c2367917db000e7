import type { SessionSnapshot } from "@hhopkins/agent-runtime-client";
import type { WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { useCallback, useMemo } from "react";
import { useAgentService } from "./provider.ts";
import { useSessionSelector } from "./use-session-selector.ts";

export interface UseWorkspaceFiles {
  readonly files: readonly WorkspaceFile[];
  /** A file with its content, or with `truncated: true` where that is too large for the state: see `readFile`. */
  readonly getFile: (path: string) => WorkspaceFile | undefined;
  /** The file's bytes, from the server. Rejects with `ClientError`. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

const NONE: readonly WorkspaceFile[] = [];

function filesOf({ state }: SessionSnapshot): readonly WorkspaceFile[] {
  return state?.workspaceFiles ?? NONE;
}

/** The files of a session's workspace, live. */
export function useWorkspaceFiles(sessionId: string | undefined): UseWorkspaceFiles {
  const { client } = useAgentService();
  const files = useSessionSelector(sessionId, filesOf);
  const byPath = useMemo(() => new Map(files.map((file) => [file.path, file])), [files]);
  return {
    files,
    getFile: useCallback((path) => byPath.get(path), [byPath]),
    readFile: useCallback((path) => client.readFile(sessionId ?? "", path), [client, sessionId]),
  };
}
