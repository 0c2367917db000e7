import { useAgentService } from "@hhopkins/agent-runtime-react";
import { clsx } from "clsx";
import { useId, useState } from "react";
import { useLocation } from "wouter";
import { paths } from "../routes.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { useToast } from "../ui/toast.tsx";
import type { SessionTurn } from "./session-turns.ts";
import { errorText } from "../ui/error-text.ts";
import { useSessionTurns } from "./use-session-turns.ts";

export interface TurnDialogProps {
  readonly sessionId: string;
  readonly purpose: "fork" | "rewind";
  /** A block of the turn that is meant. */
  readonly blockId: string | undefined;
  readonly onClose: () => void;
}

const WORDS = {
  fork: {
    title: "Fork this session",
    description:
      "A new session goes on from the end of the turn that you choose, with its conversation, its files and what the agent knows. This session stays as it is.",
    action: "Fork",
  },
  rewind: {
    title: "Go back",
    description:
      "Conversation and files become as they were at the end of the turn that you choose. What came later goes from the view; the log keeps it, and it can still be forked.",
    action: "Go back",
  },
} as const;

/** Lets one choose a turn, and forks there or goes back to it. */
export function TurnDialog({ sessionId, purpose, blockId, onClose }: TurnDialogProps) {
  const { title, description } = WORDS[purpose];
  const { turns, error } = useSessionTurns(sessionId);
  return (
    <Dialog title={title} description={description} onClose={onClose}>
      {error !== undefined && (
        <p role="alert" className="text-bad">
          {error}
        </p>
      )}
      {turns === undefined && error === undefined && <p aria-live="polite">The log is being read…</p>}
      {turns !== undefined && <TurnForm {...{ sessionId, purpose, blockId, onClose, turns }} />}
    </Dialog>
  );
}

function TurnForm(props: TurnDialogProps & { readonly turns: readonly SessionTurn[] }) {
  const { turns, purpose, blockId, onClose } = props;
  const meant = turns.find((turn) => blockId !== undefined && turn.blockIds.has(blockId));
  const isGood = ({ refusal }: SessionTurn): boolean => refusal[purpose] === undefined;
  const [chosen, setChosen] = useState(() => (meant !== undefined && isGood(meant) ? meant : turns.find(isGood)));
  const [name, setName] = useState("");
  const { run, isBusy, fault } = useTurnAction(props);
  return (
    <form
      className="flex min-h-0 flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen !== undefined) void run(chosen.turnId, name.trim());
      }}
    >
      <TurnChoice turns={turns} purpose={purpose} chosen={chosen} onChoose={setChosen} />
      {purpose === "rewind" && chosen !== undefined && <WhatGoes turns={turns} chosen={chosen} />}
      {purpose === "fork" && (
        <Field label="Name" hint="Empty: as this one is called.">
          {(control) => (
            <Input {...control} maxLength={500} value={name} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
      )}
      {fault !== undefined && (
        <p role="alert" className="text-bad">
          {fault}
        </p>
      )}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button
          type="submit"
          tone={purpose === "rewind" ? "danger" : "accent"}
          disabled={isBusy || chosen === undefined}
        >
          {WORDS[purpose].action}
        </Button>
      </div>
    </form>
  );
}

function useTurnAction({ sessionId, purpose, onClose }: TurnDialogProps) {
  const { client } = useAgentService();
  const [, navigate] = useLocation();
  const toast = useToast();
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const run = async (turnId: string, name: string): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    try {
      if (purpose === "rewind") {
        await client.rewindSession(sessionId, turnId);
        toast("The session went back.");
      } else {
        const fork = await client.forkSession(sessionId, { turnId, ...(name === "" ? {} : { name }) });
        navigate(paths.session(fork.sessionId));
        toast("This is the fork: what you say here is not said in the other session.");
      }
      onClose();
    } catch (error) {
      setFault(errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return { run, isBusy, fault };
}

interface TurnChoiceProps {
  readonly turns: readonly SessionTurn[];
  readonly purpose: "fork" | "rewind";
  readonly chosen: SessionTurn | undefined;
  readonly onChoose: (turn: SessionTurn) => void;
}

function TurnChoice({ turns, purpose, chosen, onChoose }: TurnChoiceProps) {
  const group = useId();
  return (
    <fieldset className="flex max-h-72 min-h-24 flex-col overflow-auto rounded-md border">
      <legend className="sr-only">Turn</legend>
      {turns.map((turn) => {
        const refusal = turn.refusal[purpose];
        return (
          <label
            key={turn.turnId}
            className={clsx(
              "flex items-start gap-2.5 border-b px-3 py-2 last:border-b-0",
              refusal === undefined ? "hover:bg-raised has-checked:bg-accent/10" : "text-muted",
            )}
          >
            <input
              type="radio"
              name={group}
              className="mt-1 accent-(--accent)"
              checked={chosen?.turnId === turn.turnId}
              disabled={refusal !== undefined}
              onChange={() => onChoose(turn)}
            />
            <span className="min-w-0 flex-1">
              <span className="line-clamp-2 break-words">
                {turn.number === 0 ? "The session as it was created" : turn.text}
              </span>
              <span className="block text-xs text-muted">
                {turn.number === 0 ? "Start" : `Turn ${turn.number}`} · {new Date(turn.endedAt).toLocaleString()}
                {turn.status !== undefined && turn.status !== "completed" && ` · ${turn.status}`}
                {refusal !== undefined && ` · ${refusal}`}
              </span>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}

/** `turns`: the latest first. */
function WhatGoes({ turns, chosen }: { readonly turns: readonly SessionTurn[]; readonly chosen: SessionTurn }) {
  const later = turns.filter(({ number, refusal }) => number > chosen.number && refusal.rewind === undefined);
  const count = later.length === 1 ? "1 turn goes" : `${later.length} turns go`;
  return (
    <p aria-live="polite" className="rounded-md bg-warn/10 px-3 py-2 text-sm">
      {later.length === 0
        ? "Nothing of the conversation goes; files that changed since become as they were."
        : `${count} from the view, with the changes to files that came with ${later.length === 1 ? "it" : "them"}. The log keeps them.`}
    </p>
  );
}
