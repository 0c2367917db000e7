import {
  shallowEqual,
  useApproval,
  useSessionSelector,
  type Ask,
  type SessionSnapshot,
} from "@hhopkins/agent-runtime-react";
import { HelpCircle, ListChecks, Map as MapIcon, ShieldQuestion } from "lucide-react";
import { useCallback, useEffect, useRef } from "react";
import { askCardId } from "../session/session-controls.tsx";
import { errorText } from "../ui/error-text.ts";
import { useNow } from "../session/use-now.ts";
import { durationText } from "../ui/format.ts";
import { Ago } from "../ui/time.tsx";
import { visibleName } from "../ui/visible-name.ts";
import type { Answering } from "./answering.ts";
import { ElicitationAsk } from "./elicitation-ask.tsx";
import { PermissionAsk } from "./permission-ask.tsx";
import { PlanAsk } from "./plan-ask.tsx";
import { QuestionAsk } from "./question-ask.tsx";

export interface AskCardProps {
  readonly sessionId: string;
  readonly ask: Ask;
  /** The address means it. */
  readonly isMeant: boolean;
  readonly isPast: boolean;
  /** It is being answered here; `isSent` false: it was not, after all. */
  readonly onAnswer: (askId: string, isSent: boolean) => void;
}

const KINDS = {
  permission: { Icon: ShieldQuestion, name: "Permission" },
  question: { Icon: HelpCircle, name: "Question" },
  plan: { Icon: MapIcon, name: "Plan" },
  elicitation: { Icon: ListChecks, name: "Request" },
} as const;

/** One ask: who asks, what, until when, and its answers. */
export function AskCard({ sessionId, ask, isMeant, isPast, onAnswer }: AskCardProps) {
  const { Icon, name } = KINDS[ask.kind];
  const { answering, error } = useAnswering(sessionId, ask, onAnswer);
  const card = useFocusOnArrival(isMeant);
  const titleId = `${askCardId(ask.askId)}-title`;
  return (
    <article
      ref={card}
      id={askCardId(ask.askId)}
      tabIndex={-1}
      aria-labelledby={titleId}
      className="flex flex-col gap-2.5 rounded-xl border border-warn/50 bg-canvas p-3"
    >
      <header className="flex items-start gap-2">
        <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
        <div className="min-w-0 flex-1">
          <h2 id={titleId} className="line-clamp-3 font-medium break-words">
            <span className="sr-only">{name}: </span>
            {visibleName(ask.prompt)}
          </h2>
          <About sessionId={sessionId} ask={ask} />
        </div>
      </header>
      <fieldset disabled={isPast || answering.isBusy} className="m-0 flex min-w-0 flex-col gap-2.5">
        <legend className="sr-only">Answer</legend>
        <Body sessionId={sessionId} ask={ask} answering={answering} />
      </fieldset>
      {error !== undefined && (
        <p role="alert" className="text-sm text-bad">
          {errorText(error)}
        </p>
      )}
    </article>
  );
}

/** A new ask has the focus, unless a person is at something else; one that the address means has it in any case. */
function useFocusOnArrival(isMeant: boolean) {
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    const { activeElement } = document;
    if (isMeant || activeElement === null || activeElement === document.body) card.current?.focus();
  }, [isMeant]);
  return card;
}

interface BodyProps {
  readonly sessionId: string;
  readonly ask: Ask;
  readonly answering: Answering;
}

function Body({ sessionId, ask, answering }: BodyProps) {
  switch (ask.kind) {
    case "permission":
      return <PermissionAsk sessionId={sessionId} ask={ask} answering={answering} />;
    case "question":
      return <QuestionAsk ask={ask} answering={answering} />;
    case "plan":
      return <PlanAsk ask={ask} answering={answering} />;
    case "elicitation":
      return <ElicitationAsk ask={ask} answering={answering} />;
  }
}

function useAnswering(sessionId: string, { askId }: Ask, onAnswer: AskCardProps["onAnswer"]) {
  const { allow, deny, isAnswering, error } = useApproval(sessionId, askId);
  const told = (work: () => Promise<void>): void => {
    onAnswer(askId, true);
    // The hook says what went wrong.
    work().catch(() => onAnswer(askId, false));
  };
  const answering: Answering = {
    isBusy: isAnswering,
    allow: (more) => told(() => allow(more)),
    deny: (reason) => told(() => deny(reason === "" ? undefined : reason)),
  };
  return { answering, error };
}

/** Who asks, since when, until when, and who may answer. */
function About({ sessionId, ask }: { readonly sessionId: string; readonly ask: Ask }) {
  const { conversationId, openedAt, expiresAt, answerableBy } = ask;
  const subagent = useSubagentName(sessionId, conversationId);
  return (
    <p className="text-xs text-muted">
      {subagent === undefined ? "The agent" : `The subagent ${visibleName(subagent)}`} · asked <Ago at={openedAt} />
      {expiresAt !== undefined && <Expiry ask={ask} at={expiresAt} />}
      {answerableBy !== undefined && ` · only ${answerableBy.map(visibleName).join(", ")} may answer`}
    </p>
  );
}

function Expiry({ ask, at }: { readonly ask: Ask; readonly at: string }) {
  const left = Date.parse(at) - useNow();
  const then = ask.default?.decision === "allow" ? "allowed" : "denied";
  if (left <= 0) return <span> · is about to expire</span>;
  return (
    <span className={left < 60_000 ? "font-medium text-bad" : ""}>
      {" "}
      · {then} in {durationText(Math.ceil(left / 1000) * 1000).replace(".0 s", " s")}
    </span>
  );
}

function useSubagentName(sessionId: string, conversationId: string): string | undefined {
  const select = useCallback(
    ({ state }: SessionSnapshot) => state?.subagents.find(({ id }) => id === conversationId)?.name,
    [conversationId],
  );
  return useSessionSelector(sessionId, select, shallowEqual);
}
