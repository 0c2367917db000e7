import { conversationBlocks } from "@hhopkins/agent-runtime-client";
import { useSessionSelector, type SessionSnapshot } from "@hhopkins/agent-runtime-react";
import { useCallback, useEffect, useRef, useState } from "react";

export interface AnnouncerProps {
  readonly sessionId: string;
  readonly conversationId: string;
}

/** Characters of an answer that are read out. */
const MOST = 500;

/** Tells who cannot see it what the agent said, once it has; what was there before is not told. */
export function Announcer({ sessionId, conversationId }: AnnouncerProps) {
  const last = useSessionSelector(
    sessionId,
    useCallback((snapshot: SessionSnapshot) => lastWords(snapshot, conversationId), [conversationId]),
  );
  const known = useRef<string | undefined>(undefined);
  const [told, tell] = useState("");
  useEffect(() => {
    if (last === undefined) return;
    if (known.current !== undefined && known.current !== last) tell(last);
    known.current = last;
  }, [last]);
  return (
    <p aria-live="polite" className="sr-only">
      {told}
    </p>
  );
}

/** Undefined before the first answer of the server. */
function lastWords(snapshot: SessionSnapshot, conversationId: string): string | undefined {
  const { state } = snapshot;
  if (state === undefined) return undefined;
  const last = conversationBlocks(snapshot, conversationId).findLast(
    ({ id, type }) => type === "assistant_text" && !state.streamingBlockIds.includes(id),
  );
  return last?.type === "assistant_text" ? last.content.slice(0, MOST) : "";
}
