import { AskCards } from "../asks/ask-cards.tsx";
import { Composer } from "../composer/composer.tsx";
import { Conversation } from "../conversation/conversation.tsx";
import { Inspector } from "../inspector/inspector.tsx";
import { SessionPast } from "../past/session-past.tsx";
import { SessionGone, usePresence } from "./session-gone.tsx";
import { SessionControlsProvider } from "./session-controls-provider.tsx";
import { SessionHeader } from "./session-header.tsx";
import { TurnResult } from "./turn-result.tsx";
import { WaitingLine } from "./waiting-line.tsx";

export interface SessionPageProps {
  readonly sessionId: string;
  /** One of `PANELS`, as the address has it: unchecked; or `asks`, whose item is the ask that is meant. */
  readonly panel: string | undefined;
  readonly item: string | undefined;
}

/** One session: its conversation, what stands in its way, and the panels beside it. */
export function SessionPage(props: SessionPageProps) {
  return (
    <SessionControlsProvider sessionId={props.sessionId}>
      <Session {...props} />
    </SessionControlsProvider>
  );
}

function Session({ sessionId, panel, item }: SessionPageProps) {
  const presence = usePresence(sessionId);
  if (presence !== "there" && presence !== "gone") {
    return (
      <main className="flex min-w-0 flex-1 flex-col">
        <SessionGone sessionId={sessionId} />
      </main>
    );
  }
  return (
    <main className="flex min-w-0 flex-1 flex-col">
      <SessionPast sessionId={sessionId} panel={panel}>
        <div className="flex min-h-0 flex-1 flex-col lg:flex-row">
          <section aria-label="Session" className="flex min-h-0 min-w-0 flex-1 flex-col">
            <SessionHeader sessionId={sessionId} />
            <Conversation sessionId={sessionId} />
            {presence === "there" && <Foot sessionId={sessionId} askId={panel === "asks" ? item : undefined} />}
          </section>
          <Inspector sessionId={sessionId} panel={panel} item={item} />
        </div>
      </SessionPast>
    </main>
  );
}

function Foot({ sessionId, askId }: { readonly sessionId: string; readonly askId: string | undefined }) {
  return (
    <>
      <TurnResult sessionId={sessionId} />
      <WaitingLine sessionId={sessionId} />
      <AskCards sessionId={sessionId} askId={askId} />
      <Composer sessionId={sessionId} />
    </>
  );
}
