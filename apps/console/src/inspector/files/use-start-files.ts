import type { FileEntry } from "@hhopkins/agent-runtime-protocol";
import { useAgentService } from "@hhopkins/agent-runtime-react";
import { useEffect, useMemo, useState } from "react";
import { fileChanges, type FileChange } from "./file-changes.ts";
import { errorText } from "../../ui/error-text.ts";

export interface StartFiles {
  readonly first: ReadonlyMap<string, FileEntry>;
  readonly changes: ReadonlyMap<string, FileChange>;
  /** Why it is not known what there was. */
  readonly error: string | undefined;
}

const NO_CHANGES: ReadonlyMap<string, FileChange> = new Map();

/** What a session began with, and what became of it. */
export function useStartFiles(sessionId: string, files: readonly FileEntry[]): StartFiles {
  const { client } = useAgentService();
  const [known, setKnown] = useState<{ readonly files?: readonly FileEntry[]; readonly error?: string }>({});
  useEffect(() => {
    let isOver = false;
    client.listFiles(sessionId, { seq: "start" }).then(
      (answer) => isOver || setKnown({ files: answer.files }),
      (error: unknown) => isOver || setKnown({ error: errorText(error) }),
    );
    return () => {
      isOver = true;
    };
  }, [client, sessionId]);
  const first = useMemo(() => new Map((known.files ?? []).map((file) => [file.path, file])), [known.files]);
  const changes = useMemo(
    () => (known.files === undefined ? NO_CHANGES : fileChanges(known.files, files)),
    [known.files, files],
  );
  return { first, changes, error: known.error };
}
