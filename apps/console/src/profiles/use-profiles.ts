import { useAgentService } from "@hhopkins/agent-runtime-react";
import type { AgentProfileListData } from "@hhopkins/agent-runtime-protocol";
import { useEffect, useState } from "react";
import { errorText } from "../ui/error-text.ts";

export interface Profiles {
  readonly profiles: readonly AgentProfileListData[];
  readonly isLoading: boolean;
  /** Why they could not be fetched. */
  readonly fault: string | undefined;
}

const changes = new EventTarget();

/** Whoever changed one tells it to every part that shows them. */
export function profilesChanged(): void {
  changes.dispatchEvent(new Event("change"));
}

/** The server's profiles, fetched when they are first shown and after each change of ours. */
export function useProfiles(): Profiles {
  const { client } = useAgentService();
  const [found, setFound] = useState<Profiles>({ profiles: [], isLoading: true, fault: undefined });
  useEffect(() => {
    let isHere = true;
    const ask = (): void => {
      client.listProfiles().then(
        ({ profiles }) => isHere && setFound({ profiles, isLoading: false, fault: undefined }),
        (error: unknown) => isHere && setFound((before) => ({ ...before, isLoading: false, fault: errorText(error) })),
      );
    };
    ask();
    changes.addEventListener("change", ask);
    return () => {
      isHere = false;
      changes.removeEventListener("change", ask);
    };
  }, [client]);
  return found;
}
