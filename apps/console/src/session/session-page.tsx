import { AskCards } from "../asks/ask-cards.tsx";
import { Composer } from "../composer/composer.tsx";
import { Conversation } from "../conversation/conversation.tsx";
import { Inspector } from "../inspector/inspector.tsx";
import { SessionHeader } from "./session-header.tsx";
import { WaitingLine } from "./waiting-line.tsx";

export interface SessionPageProps {
  readonly sessionId: string;
  /** One of `PANELS`, as the address has it: unchecked. */
  readonly panel: string | undefined;
  readonly item: string | undefined;
}

/** One session: its conversation, what stands in its way, and the panels beside it. */
export function SessionPage({ sessionId, panel, item }: SessionPageProps) {
  return (
    <main className="flex min-w-0 flex-1">
      <section aria-label="Conversation" className="flex min-w-0 flex-1 flex-col">
        <SessionHeader sessionId={sessionId} />
        <Conversation sessionId={sessionId} />
        <WaitingLine sessionId={sessionId} />
        <AskCards sessionId={sessionId} />
        <Composer sessionId={sessionId} />
      </section>
      <Inspector sessionId={sessionId} panel={panel} item={item} />
    </main>
  );
}
