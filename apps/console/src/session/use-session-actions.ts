import { useAgentService, useSessionSelector, type SessionSnapshot } from "@hhopkins/agent-runtime-react";
import { useMemo } from "react";
import { archiveName } from "./archive-name.ts";
import { saveFile } from "../ui/save-file.ts";
import { useToast } from "../ui/toast.tsx";
import { errorText } from "../ui/error-text.ts";

export interface SessionActions {
  readonly sync: () => Promise<void>;
  readonly unload: () => Promise<void>;
  readonly exportSession: () => Promise<void>;
  readonly copyId: () => Promise<void>;
  readonly copyLink: () => Promise<void>;
}

const nameOf = ({ state }: SessionSnapshot): string | undefined => state?.name;

/** What can be done to a session without being asked about it; each says how it went. */
export function useSessionActions(sessionId: string): SessionActions {
  const { client } = useAgentService();
  const toast = useToast();
  const name = useSessionSelector(sessionId, nameOf);
  return useMemo(() => {
    const told = async (work: () => Promise<unknown>, done: string, failed: string): Promise<void> => {
      try {
        await work();
        toast(done);
      } catch (error) {
        toast(`${failed} ${errorText(error)}`, { tone: "bad" });
      }
    };
    const copy = (text: string, what: string): Promise<void> =>
      told(() => navigator.clipboard.writeText(text), `${what} was copied.`, `${what} could not be copied.`);
    return {
      sync: () => told(() => client.sync(sessionId), "The files are saved.", "The files could not be saved."),
      unload: () =>
        told(() => client.unload(sessionId), "Saved and put to sleep. The next message wakes it.", "It stays awake."),
      exportSession: () =>
        told(
          async () => saveFile(archiveName(name ?? sessionId), await blobOf(await client.exportSession(sessionId))),
          "The session's archive is among your downloads.",
          "The session could not be exported.",
        ),
      copyId: () => copy(sessionId, "The session's id"),
      copyLink: () => copy(location.href, "The link"),
    };
  }, [client, sessionId, name, toast]);
}

function blobOf(stream: ReadableStream<Uint8Array>): Promise<Blob> {
  return new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).blob();
}
