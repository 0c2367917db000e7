import { useWorkspaceFiles } from "@hhopkins/agent-runtime-react";
import { useState } from "react";
import type { ReactNode } from "react";
import { Confirm } from "../../ui/confirm.tsx";
import { useToast } from "../../ui/toast.tsx";
import { visibleName } from "../../ui/visible-name.ts";
import { errorText } from "../../ui/error-text.ts";

export interface Upload {
  /** Writes files into the folder; asks first where that would replace some. */
  readonly take: (files: readonly File[]) => void;
  readonly isBusy: boolean;
  /** To be rendered: the question. */
  readonly dialog: ReactNode;
}

/** Gives files to a session's workspace. `folder`: a path, or nothing for the root. */
export function useUpload(sessionId: string, folder: string): Upload {
  const { getFile, writeFile } = useWorkspaceFiles(sessionId);
  const toast = useToast();
  const [isBusy, setBusy] = useState(false);
  const [asked, setAsked] = useState<readonly File[]>();
  const pathOf = (file: File): string => (folder === "" ? file.name : `${folder}/${file.name}`);

  const write = async (files: readonly File[]): Promise<void> => {
    setBusy(true);
    for (const file of files) {
      try {
        await writeFile(pathOf(file), file);
      } catch (error) {
        const reason = errorText(error);
        toast(`${visibleName(file.name)} could not be written: ${reason}`, { tone: "bad" });
      }
    }
    setBusy(false);
  };
  const take = (files: readonly File[]): void => {
    if (files.length === 0) return;
    if (files.some((file) => getFile(pathOf(file)) !== undefined)) setAsked(files);
    else void write(files);
  };
  const replaced = (asked ?? []).filter((file) => getFile(pathOf(file)) !== undefined);
  const dialog = (
    <Confirm
      open={asked !== undefined}
      onOpenChange={(open) => open || setAsked(undefined)}
      title="Replace files?"
      action="Replace"
      onConfirm={() => write(asked ?? [])}
    >
      There are files of these names already: {replaced.map(({ name }) => visibleName(name)).join(", ")}.
    </Confirm>
  );
  return { take, isBusy, dialog };
}
