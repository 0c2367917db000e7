import {
  useAgentService,
  useAsks,
  useSessionStore,
  type Ask,
  type SessionSnapshot,
} from "@hhopkins/agent-runtime-react";
import { X } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { usePast } from "../past/past.tsx";
import { useSessionControls } from "../session/session-controls.tsx";
import { useCommands } from "../shell/commands.tsx";
import { Button } from "../ui/button.tsx";
import { visibleName } from "../ui/visible-name.ts";
import { resolutionsOf, type ResolvedNote } from "./resolved-elsewhere.ts";

const AskCard = lazy(() => import("./ask-card.tsx").then(({ AskCard: Card }) => ({ default: Card })));

export interface AskCardsProps {
  readonly sessionId: string;
  /** The one that the address means. */
  readonly askId?: string | undefined;
}

/** What the agent asks, as cards that can be answered. */
export function AskCards({ sessionId, askId }: AskCardsProps) {
  const { asks } = useAsks(sessionId);
  const isPast = usePast() !== undefined;
  const { notes, dismiss, onAnswer } = useResolvedElsewhere(sessionId, isPast ? NONE : asks);
  useGoToAsk(asks);
  return (
    <>
      <p role="status" className="sr-only">
        {asks.length > 0 && `The agent asks: ${asks.map(({ prompt }) => prompt).join("; ")}`}
      </p>
      <Notes notes={notes} onDismiss={dismiss} />
      {asks.length > 0 && (
        <section aria-label="Asks" className="max-h-[55dvh] shrink-0 overflow-auto border-t bg-panel px-3 py-2 sm:px-4">
          <div className="mx-auto flex max-w-3xl flex-col gap-2">
            <Suspense>
              {asks.map((ask) => (
                <AskCard
                  key={ask.askId}
                  sessionId={sessionId}
                  ask={ask}
                  isMeant={ask.askId === askId}
                  isPast={isPast}
                  onAnswer={onAnswer}
                />
              ))}
            </Suspense>
          </div>
        </section>
      )}
    </>
  );
}

const NONE: readonly Ask[] = [];
const AT_MOST = 3;
const lastSeqOf = ({ state }: SessionSnapshot): number => state?.lastSeq ?? 0;

/** Asks that went without an answer from this page, with what became of them: the log knows. */
function useResolvedElsewhere(sessionId: string, asks: readonly Ask[]) {
  const { client } = useAgentService();
  const store = useSessionStore(sessionId);
  const [notes, setNotes] = useState<readonly ResolvedNote[]>([]);
  const before = useRef<{ readonly asks: readonly Ask[]; readonly seq: number }>({ asks: NONE, seq: 0 });
  /** Answered here; with what is to be told of it where somebody else's answer turns out to be the one that counts. */
  const answered = useRef(new Map<string, (() => void) | undefined>());
  const tell = useCallback(
    (gone: readonly Ask[], after: number) => {
      resolutionsOf(gone, client.readEvents(sessionId, { after })).then(
        (more) => setNotes((shown) => [...shown, ...more].slice(-AT_MOST)),
        // The session itself may be gone; then there is nothing to say about its asks.
        () => {},
      );
    },
    [client, sessionId],
  );
  useEffect(() => {
    const { asks: earlier, seq } = before.current;
    before.current = { asks, seq: lastSeqOf(store.getSnapshot()) };
    const gone = earlier.filter(({ askId }) => asks.every((ask) => ask.askId !== askId));
    const others = gone.filter(({ askId }) => !answered.current.has(askId));
    if (others.length > 0) tell(others, seq);
    for (const ask of gone)
      if (answered.current.has(ask.askId)) answered.current.set(ask.askId, () => tell([ask], seq));
  }, [store, asks, tell]);
  const onAnswer = useCallback((askId: string, isSent: boolean) => {
    if (isSent) return void answered.current.set(askId, undefined);
    answered.current.get(askId)?.();
    answered.current.delete(askId);
  }, []);
  const dismiss = useCallback((askId: string) => setNotes((shown) => shown.filter((note) => note.askId !== askId)), []);
  return { notes, dismiss, onAnswer };
}

interface NotesProps {
  readonly notes: readonly ResolvedNote[];
  readonly onDismiss: (askId: string) => void;
}

function Notes({ notes, onDismiss }: NotesProps) {
  return (
    <div
      role="status"
      aria-label="Answered elsewhere"
      className={notes.length > 0 ? "shrink-0 border-t bg-panel px-4" : ""}
    >
      {notes.map(({ askId, text }) => (
        <div key={askId} className="mx-auto flex max-w-3xl items-center gap-2 py-0.5 text-sm text-muted">
          <p className="min-w-0 flex-1 truncate">{visibleName(text)}</p>
          <Button tone="ghost" icon className="size-7" aria-label="Dismiss" onClick={() => onDismiss(askId)}>
            <X />
          </Button>
        </div>
      ))}
    </div>
  );
}

function useGoToAsk(asks: readonly Ask[]): void {
  const showAsk = useSessionControls()?.showAsk;
  const [first] = asks;
  const command = { id: "asks.show", label: "Answer what the agent asks", group: "This session", keys: "a" };
  useCommands(first === undefined ? [] : [{ ...command, run: () => showAsk?.(first.askId) }]);
}
