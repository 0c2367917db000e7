import type { WorkspaceFile } from "@hhopkins/agent-runtime-protocol";
import { useWorkspaceFiles } from "@hhopkins/agent-runtime-react";
import { useEffect, useMemo, useState } from "react";
import { usePast } from "../../past/past.tsx";
import { errorText } from "../../ui/error-text.ts";

export interface FileBytes {
  /** Undefined while they are fetched, and where that failed. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  readonly error: string | undefined;
}

const NOTHING: FileBytes = { bytes: undefined, error: undefined };
const EMPTY: FileBytes = { bytes: new Uint8Array(), error: undefined };

/** The bytes of a file: those of the state where it has them, else the server's. `isWanted`: false fetches nothing yet. */
export function useFileBytes(sessionId: string, file: WorkspaceFile | undefined, isWanted = true): FileBytes {
  const { readFile } = useWorkspaceFiles(sessionId);
  const seq = usePast()?.seq;
  const here = useMemo(() => bytesOf(file), [file]);
  const path = file?.path;
  const [fetched, setFetched] = useState<FileBytes & { readonly of: WorkspaceFile | undefined }>();
  useEffect(() => {
    if (path === undefined || here !== undefined || !isWanted) return undefined;
    let isOver = false;
    readFile(path, seq === undefined ? {} : { seq }).then(
      (bytes) => isOver || setFetched({ of: file, bytes: new Uint8Array(bytes), error: undefined }),
      (error: unknown) => isOver || setFetched({ of: file, bytes: undefined, error: errorText(error) }),
    );
    return () => {
      isOver = true;
    };
  }, [readFile, file, path, here, isWanted, seq]);
  const own = useMemo(() => ({ bytes: here, error: undefined }), [here]);
  if (here !== undefined) return own;
  return fetched !== undefined && fetched.of === file ? fetched : NOTHING;
}

/** The bytes of a file as the session began with it; `error` says where there was none. */
export function useFirstBytes(sessionId: string, path: string, existed: boolean): FileBytes {
  const { readFile } = useWorkspaceFiles(sessionId);
  const [fetched, setFetched] = useState<FileBytes & { readonly of: string }>();
  useEffect(() => {
    if (!existed) return undefined;
    let isOver = false;
    readFile(path, { seq: "start" }).then(
      (bytes) => isOver || setFetched({ of: path, bytes: new Uint8Array(bytes), error: undefined }),
      (error: unknown) => isOver || setFetched({ of: path, bytes: undefined, error: errorText(error) }),
    );
    return () => {
      isOver = true;
    };
  }, [readFile, path, existed]);
  if (!existed) return EMPTY;
  return fetched?.of === path ? fetched : NOTHING;
}

function bytesOf(file: WorkspaceFile | undefined): Uint8Array<ArrayBuffer> | undefined {
  if (file?.content === undefined) return undefined;
  if (file.encoding !== "base64") return new TextEncoder().encode(file.content);
  return Uint8Array.from(atob(file.content), (character) => character.charCodeAt(0));
}
