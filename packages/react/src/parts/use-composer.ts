import type { SendMessageOptions, SendOutcome } from "@hhopkins/agent-runtime-client";
import type { MessageMode } from "@hhopkins/agent-runtime-protocol";
import { useCallback, useRef, useState } from "react";
import type { ChangeEvent, FormEvent, KeyboardEvent } from "react";
import { useSessionStore } from "../use-session-selector.ts";
import { useTurn } from "../use-turn.ts";

export interface UseComposer {
  readonly text: string;
  readonly setText: (text: string) => void;
  /** Whether there is anything to send, and a session to send it to. */
  readonly canSend: boolean;
  /**
   * Sends the text, and what else is given such as `attachments`, and empties the field. While a turn runs it waits in
   * the queue, or does what `mode` says.
   */
  readonly send: (mode?: MessageMode, more?: Omit<SendMessageOptions, "mode">) => Promise<SendOutcome | undefined>;
  /** The agent is at work: what is sent now waits, and `interrupt` stops it. */
  readonly isRunning: boolean;
  readonly interrupt: () => Promise<void>;
  readonly formProps: { readonly onSubmit: (event: FormEvent) => void };
  /** For an `input` or a `textarea`: Enter sends, with Shift it breaks the line. */
  readonly inputProps: {
    readonly value: string;
    readonly onChange: (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => void;
    readonly onKeyDown: (event: KeyboardEvent) => void;
  };
}

/** What was written and not sent, by the session; by "" before there is one. */
type Drafts = Readonly<Record<string, string>>;
const NO_SESSION = "";

/** A field to write messages in. Each session has its own text; what was written before there was one goes to the first. */
export function useComposer(sessionId: string | undefined): UseComposer {
  const store = useSessionStore(sessionId);
  const { isRunning, interrupt } = useTurn(sessionId);
  const key = sessionId ?? NO_SESSION;
  const [drafts, setDrafts] = useState<Drafts>({});
  const text = drafts[key] ?? drafts[NO_SESSION] ?? "";
  // What was sent is gone at once, also for a second Enter that comes before the next rendering.
  const latest = useRef({ key, text });
  const setText = useCallback(
    (next: string) => {
      latest.current = { key, text: next };
      setDrafts(({ [NO_SESSION]: _unsent, ...others }) => ({ ...others, [key]: next }));
    },
    [key],
  );
  const send = useCallback(
    async (mode?: MessageMode, more: Omit<SendMessageOptions, "mode"> = {}) => {
      const content = (latest.current.key === key ? latest.current.text : text).trim();
      if (content === "" || sessionId === undefined) return undefined;
      setText("");
      return store.sendMessage(content, mode === undefined ? more : { ...more, mode });
    },
    [store, sessionId, key, text, setText],
  );
  return {
    text,
    setText,
    canSend: sessionId !== undefined && text.trim() !== "",
    send,
    isRunning,
    interrupt,
    formProps: {
      onSubmit(event) {
        event.preventDefault();
        void send();
      },
    },
    inputProps: {
      value: text,
      onChange: (event) => setText(event.target.value),
      onKeyDown(event) {
        if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
        event.preventDefault();
        void send();
      },
    },
  };
}
