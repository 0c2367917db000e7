import { useSessionSelector, useTurn, type SessionSnapshot } from "@hhopkins/agent-runtime-react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import type { ReactNode } from "react";
import { DeleteSession } from "../sessions/delete-session.tsx";
import { nameOf } from "../sessions/session-name.ts";
import { useToast } from "../ui/toast.tsx";
import { askCardId, SessionControlsContext, type SessionControls } from "./session-controls.tsx";
import { errorText } from "../ui/error-text.ts";

const TurnDialog = lazy(() => import("./turn-dialog.tsx").then(({ TurnDialog }) => ({ default: TurnDialog })));

const givenName = ({ state }: SessionSnapshot): string | undefined => state?.name;

type Opened =
  | { readonly purpose: "fork" | "rewind"; readonly blockId: string | undefined }
  | { readonly purpose: "delete" };

/** The dialogs of a session's page, and what its parts share. */
export function SessionControlsProvider({
  sessionId,
  children,
}: {
  readonly sessionId: string;
  readonly children: ReactNode;
}) {
  const [opened, setOpened] = useState<Opened>();
  const close = useCallback(() => setOpened(undefined), []);
  const name = nameOf({ sessionId, name: useSessionSelector(sessionId, givenName) });
  const { interrupt, interruptedTurnId } = useInterrupt(sessionId);
  const controls = useMemo<SessionControls>(
    () => ({
      openFork: (blockId) => setOpened({ purpose: "fork", blockId }),
      openRewind: (blockId) => setOpened({ purpose: "rewind", blockId }),
      openDelete: () => setOpened({ purpose: "delete" }),
      showAsk,
      interrupt,
      interruptedTurnId,
    }),
    [interrupt, interruptedTurnId],
  );
  return (
    <SessionControlsContext.Provider value={controls}>
      {children}
      {opened !== undefined && (
        <Suspense>
          {opened.purpose === "delete" ? (
            <DeleteSession sessionId={sessionId} name={name} onClose={close} />
          ) : (
            <TurnDialog sessionId={sessionId} purpose={opened.purpose} blockId={opened.blockId} onClose={close} />
          )}
        </Suspense>
      )}
    </SessionControlsContext.Provider>
  );
}

function useInterrupt(sessionId: string): Pick<SessionControls, "interrupt" | "interruptedTurnId"> {
  const { turn, interrupt } = useTurn(sessionId);
  const toast = useToast();
  const [interruptedTurnId, setInterrupted] = useState<string>();
  const turnId = turn?.turnId;
  const stop = useCallback(async () => {
    setInterrupted(turnId);
    try {
      await interrupt();
    } catch (error) {
      setInterrupted(undefined);
      toast(`The turn could not be stopped. ${errorText(error)}`, { tone: "bad" });
    }
  }, [turnId, interrupt, toast]);
  return { interrupt: stop, interruptedTurnId };
}

function showAsk(askId: string): void {
  const card = document.getElementById(askCardId(askId));
  card?.scrollIntoView({ block: "nearest" });
  card?.focus();
}
