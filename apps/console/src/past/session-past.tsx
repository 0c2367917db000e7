import type { SessionSnapshot } from "@hhopkins/agent-runtime-client";
import { initialState, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { SessionStateProvider, useAgentService, useEvents } from "@hhopkins/agent-runtime-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useState } from "react";
import type { ReactNode } from "react";
import { PastBar } from "./past-bar.tsx";
import {
  PastControlsContext,
  useLiveValue,
  usePastControls,
  useTapeSnapshot,
  type PastControls,
} from "./past-controls.ts";
import { PastProvider } from "./past.tsx";
import { useSeqOfAddress } from "./seq-of-address.ts";
import { Tape } from "./tape.ts";

/** Longer logs are read from their beginning only when that is asked for. */
const READ_BY_ITSELF = 50_000;

export interface SessionPastProps {
  readonly sessionId: string;
  /** The panel that is open. */
  readonly panel: string | undefined;
  readonly children: ReactNode;
}

/** A session's page: as it is, or with `?seq=N` in the address as it was at that place of its log. */
export function SessionPast({ sessionId, panel, children }: SessionPastProps) {
  const { client } = useAgentService();
  const [seq, goTo] = useSeqOfAddress();
  const logId = useLiveValue(sessionId, logIdOf);
  const tape = useMemo(
    () => (logId === undefined ? undefined : new Tape({ sessionId, logId, client })),
    [sessionId, logId, client],
  );
  const [whole, setWhole] = useState<Tape>();
  const controls = useMemo<PastControls>(() => ({ tape, seq, goTo, readAll: () => setWhole(tape) }), [tape, seq, goTo]);
  const isWanted = panel === "events" || panel === "usage" || seq !== undefined;
  return (
    <PastControlsContext value={controls}>
      {isWanted && tape !== undefined && (
        <Feed sessionId={sessionId} tape={tape} isWhole={seq !== undefined || whole === tape} />
      )}
      {(panel === "events" || seq !== undefined) && <PastBar sessionId={sessionId} />}
      <Shown sessionId={sessionId} logId={logId}>
        {children}
      </Shown>
    </PastControlsContext>
  );
}

/** What is below it sees the session of then. */
function Shown(props: {
  readonly sessionId: string;
  readonly logId: string | undefined;
  readonly children: ReactNode;
}) {
  const { sessionId, logId = "", children } = props;
  const { stores } = useAgentService();
  const { tape, seq: wanted } = usePastControls();
  // Whoever drags the slider sees the slider move at once, and the page as soon as it can.
  const seq = useDeferredValue(wanted);
  const { timeline } = useTapeSnapshot(seq === undefined ? undefined : tape);
  // An address may name a place that the log has not come to.
  const place = seq === undefined ? undefined : Math.min(seq, timeline?.lastSeq ?? seq);
  const state = useMemo<SessionState | undefined>(() => {
    if (place === undefined) return undefined;
    return timeline?.at(place) ?? nothingYet(sessionId, logId, stores.get(sessionId).getSnapshot());
  }, [place, timeline, sessionId, logId, stores]);
  const readBlocks = useCallback(
    (conversationId: string, before: string) =>
      timeline?.blocksBefore(place ?? 0, conversationId, before) ?? { blocks: [] },
    [timeline, place],
  );
  const past = useMemo(
    () => (place === undefined ? undefined : { seq: place, at: timeline?.eventAt(place)?.at }),
    [place, timeline],
  );
  return (
    <PastProvider value={past}>
      <SessionStateProvider sessionId={sessionId} state={state} readBlocks={readBlocks}>
        {children}
      </SessionStateProvider>
    </PastProvider>
  );
}

/** Brings the tape what it lacks, as long as it is there. */
function Feed(props: { readonly sessionId: string; readonly tape: Tape; readonly isWhole: boolean }) {
  const { sessionId, tape, isWhole } = props;
  const { events } = useEvents();
  const lastSeq = useLiveValue(sessionId, lastSeqOf) ?? 0;
  const { isReading, after, error } = useTapeSnapshot(tape);
  useEffect(() => {
    tape.push(events.filter((event) => event.sessionId === sessionId && event.seq > tape.end));
  }, [tape, events, sessionId]);
  useEffect(() => {
    if (isReading || tape.end >= lastSeq) return;
    // What has only just happened comes by itself.
    const wait = error === undefined ? 500 : 3000;
    const timer = setTimeout(() => void tape.readTo(lastSeq), after === undefined ? 0 : wait);
    return () => clearTimeout(timer);
  }, [tape, lastSeq, isReading, after, error]);
  useEffect(() => {
    if (!isReading && error === undefined && (isWhole || lastSeq <= READ_BY_ITSELF)) void tape.readAll();
  }, [tape, lastSeq, isReading, error, isWhole, after]);
  return null;
}

/** While the log is read: which session it is, and nothing of what it did. */
function nothingYet(sessionId: string, logId: string, { state: now }: SessionSnapshot): SessionState {
  const empty = initialState(sessionId, logId);
  if (now === undefined) return empty;
  const { type, agentProfileReference, createdAt, name } = now;
  return { ...empty, type, agentProfileReference, createdAt, ...(name === undefined ? {} : { name }) };
}

function logIdOf({ state }: SessionSnapshot): string | undefined {
  return state?.logId;
}

function lastSeqOf({ state }: SessionSnapshot): number | undefined {
  return state?.lastSeq;
}
