import { useSessionSelector, useSessionStore, type SessionSnapshot } from "@hhopkins/agent-runtime-react";
import { clsx } from "clsx";
import { CircleAlert, Hourglass, TriangleAlert } from "lucide-react";
import { useCallback, useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { usePast } from "../past/past.tsx";
import { paths } from "../routes.ts";
import { Button } from "../ui/button.tsx";
import { durationText } from "../ui/format.ts";
import { useSessionControls } from "./session-controls.tsx";
import { useNow } from "./use-now.ts";
import { whyWaiting, type Waiting } from "./why-waiting.ts";

const LOOKS = {
  plain: { Icon: Hourglass, className: "text-muted" },
  warn: { Icon: TriangleAlert, className: "text-warn" },
  bad: { Icon: CircleAlert, className: "text-bad" },
} as const;

/** Why a session is not moving, in one line; nothing while it moves or has nothing to do. */
export function WaitingLine({ sessionId }: { readonly sessionId: string }) {
  const now = useNow();
  const isPast = usePast() !== undefined;
  const waiting = useWaiting(sessionId, now);
  const { Icon, className } = LOOKS[waiting?.tone ?? "plain"];
  const isShown = waiting !== undefined && !isPast;
  return (
    // It is there also while it says nothing: only what changes in it is read out.
    <div className={clsx("shrink-0", isShown && "border-t bg-panel px-4 py-1")}>
      <div className={clsx("mx-auto flex max-w-3xl items-center gap-2 text-sm", isShown && "min-h-8")}>
        {isShown && <Icon aria-hidden className={clsx("size-4 shrink-0", className)} />}
        <p role="status" aria-label="Why it is waiting" className="min-w-0 flex-1 break-words">
          {isShown && waiting.text}
        </p>
        {isShown && <Times waiting={waiting} now={now} />}
        {isShown && <Action sessionId={sessionId} waiting={waiting} />}
      </div>
    </div>
  );
}

function useWaiting(sessionId: string, now: number): Waiting | undefined {
  const heardAt = useHeardAt(sessionId);
  const interruptedTurnId = useSessionControls()?.interruptedTurnId;
  const select = useCallback(
    (snapshot: SessionSnapshot) => whyWaiting(snapshot, now, { interruptedTurnId, heardAt: heardAt.current }),
    [now, interruptedTurnId, heardAt],
  );
  return useSessionSelector(sessionId, select, isSame);
}

function isSame(a: Waiting | undefined, b: Waiting | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** When something of the session came last, without rendering for it. */
function useHeardAt(sessionId: string): { readonly current: number } {
  const store = useSessionStore(sessionId);
  const heardAt = useRef(0);
  useEffect(() => {
    let last = store.getSnapshot().state?.lastSeq;
    return store.subscribe(() => {
      const seq = store.getSnapshot().state?.lastSeq;
      if (seq !== last) heardAt.current = Date.now();
      last = seq;
    });
  }, [store]);
  return heardAt;
}

/** They go on each second, which nobody wants to be read out. */
function Times({ waiting: { since, until }, now }: { readonly waiting: Waiting; readonly now: number }) {
  const past = since === undefined ? undefined : now - Date.parse(since);
  return (
    <span aria-hidden className="shrink-0 text-xs text-muted tabular-nums">
      {past !== undefined && past >= 1000 && durationText(Math.floor(past / 1000) * 1000).replace(".0 s", " s")}
      {until !== undefined && ` · expires in ${durationText(Date.parse(until) - now)}`}
    </span>
  );
}

function Action({ sessionId, waiting: { action } }: { readonly sessionId: string; readonly waiting: Waiting }) {
  const controls = useSessionControls();
  const store = useSessionStore(sessionId);
  const [, navigate] = useLocation();
  if (action === undefined) return null;
  switch (action.type) {
    case "wake":
      return <Button onClick={() => store.wake()}>Try now</Button>;
    case "stop":
      // On narrow pages the one below the message is enough.
      return (
        <span className="hidden sm:block">
          <Button onClick={() => void controls?.interrupt()}>Stop the turn</Button>
        </span>
      );
    case "sandbox":
      return <Button onClick={() => navigate(paths.panel(sessionId, "sandbox"))}>Show the sandbox</Button>;
    case "ask":
      return <Button onClick={() => controls?.showAsk(action.askId)}>Show</Button>;
  }
}
