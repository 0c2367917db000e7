import type { SessionSnapshot } from "@hhopkins/agent-runtime-client";
import { ChevronFirst, ChevronLast, ChevronLeft, ChevronRight, History } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { Button } from "../ui/button.tsx";
import { timeText } from "../ui/format.ts";
import { useLiveValue, usePastControls, useTape } from "./past-controls.ts";
import type { TapeEvent } from "./tape.ts";

/** The slider over a session's log, and, away from its end, that one looks at the past. */
export function PastBar({ sessionId }: { readonly sessionId: string }) {
  const { seq, goTo } = usePastControls();
  const { timeline } = useTape();
  const lastSeq = useLiveValue(sessionId, lastSeqOf) ?? 0;
  const isPast = seq !== undefined;
  return (
    <section
      aria-label="Time travel"
      className={`flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-1.5 ${isPast ? "bg-warn/15" : "bg-panel"}`}
    >
      <p role="status" className="sr-only">
        {isPast && "You look at the past. Nothing can be changed here."}
      </p>
      <p className="flex min-w-0 items-center gap-2 text-sm">
        <History aria-hidden className={`size-4 shrink-0 ${isPast ? "text-warn" : "text-muted"}`} />
        {isPast ? <Where seq={seq} lastSeq={lastSeq} /> : <span className="text-muted">Now · seq {lastSeq}</span>}
      </p>
      <div className="flex min-w-80 flex-1 items-center gap-1">
        {timeline === undefined ? <Reading lastSeq={lastSeq} /> : <Scrubber lastSeq={lastSeq} />}
      </div>
      {isPast && (
        <Button tone="accent" onClick={() => goTo(undefined)}>
          Back to now
        </Button>
      )}
    </section>
  );
}

function Where({ seq, lastSeq }: { readonly seq: number; readonly lastSeq: number }) {
  const { timeline } = useTape();
  const event = timeline?.eventAt(seq);
  const isWithin = event !== undefined && event.seq !== seq && seq < lastSeq;
  return (
    <span>
      <strong>You look at the past:</strong> seq {seq} of {lastSeq}
      {event !== undefined && `, ${timeText(event.at)}`}
      {seq > lastSeq && " (the log has not come so far)"}
      {isWithin && ` (it is not kept by itself: as after seq ${event.seq})`}
    </span>
  );
}

function Reading({ lastSeq }: { readonly lastSeq: number }) {
  const { readAll, tape } = usePastControls();
  const { error, isReading, after } = useTape();
  if (error !== undefined)
    return (
      <>
        <span role="alert" className="text-bad">
          The log could not be read: {error}
        </span>
        <Button onClick={() => void tape?.readAll()}>Try again</Button>
      </>
    );
  if (isReading || after === undefined) return <span className="text-muted">Reading the log of {lastSeq} events…</span>;
  return <Button onClick={readAll}>Read all {lastSeq} events</Button>;
}

function Scrubber({ lastSeq }: { readonly lastSeq: number }) {
  const { seq, goTo } = usePastControls();
  const { events } = useTape();
  const turns = useMemo(() => turnStarts(events), [events]);
  const here = Math.min(seq ?? lastSeq, lastSeq);
  const go = (to: number | undefined): void => goTo(to === undefined ? undefined : Math.max(1, Math.min(to, lastSeq)));
  const before = turns.findLast((start) => start < here);
  const after = turns.find((start) => start > here);
  return (
    <>
      <Step label="Start of the turn before" to={before} go={go} icon={<ChevronFirst />} />
      <Step label="Event before" to={here > 1 ? here - 1 : undefined} go={go} icon={<ChevronLeft />} />
      <input
        type="range"
        aria-label="Place in the log"
        aria-valuetext={`seq ${here} of ${lastSeq}`}
        min={1}
        max={Math.max(1, lastSeq)}
        value={here}
        onChange={(event) => go(event.currentTarget.valueAsNumber)}
        className="h-6 min-w-24 flex-1 accent-(--accent)"
      />
      <Step label="Next event" to={here < lastSeq ? here + 1 : undefined} go={go} icon={<ChevronRight />} />
      <Step label="Start of the next turn" to={after} go={go} icon={<ChevronLast />} />
      <input
        type="number"
        title="Go to seq"
        aria-label="Go to seq"
        min={1}
        max={lastSeq}
        value={here}
        onChange={({ currentTarget: { valueAsNumber } }) => Number.isSafeInteger(valueAsNumber) && go(valueAsNumber)}
        className="ml-1 h-7 w-20 shrink-0 rounded-md border bg-canvas px-1.5 text-sm tabular-nums"
      />
    </>
  );
}

interface StepProps {
  readonly label: string;
  /** Undefined: there is none. */
  readonly to: number | undefined;
  readonly go: (to: number) => void;
  readonly icon: ReactNode;
}

function Step({ label, to, go, icon }: StepProps) {
  return (
    <Button
      tone="ghost"
      icon
      aria-label={label}
      title={label}
      disabled={to === undefined}
      onClick={() => to !== undefined && go(to)}
    >
      {icon}
    </Button>
  );
}

function turnStarts(events: readonly TapeEvent[]): readonly number[] {
  return events.filter(({ type }) => type === "session:turn:started").map(({ seq }) => seq);
}

function lastSeqOf({ state }: SessionSnapshot): number | undefined {
  return state?.lastSeq;
}
