import { useSessionList } from "@hhopkins/agent-runtime-react";
import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { SquarePen } from "lucide-react";
import { Link } from "wouter";
import { paths } from "../routes.ts";
import { useConsoleInfo } from "../shell/console-info.ts";
import { useShell } from "../shell/shell-context.ts";
import { useTitle } from "../shell/use-title.ts";
import { Button } from "../ui/button.tsx";
import { Kbd } from "../ui/kbd.tsx";
import { SessionRow } from "./session-row.tsx";
import { statusOf, type StatusKind } from "./session-status.ts";

const BUSY: readonly StatusKind[] = ["running", "queued", "starting"];
const BROKEN: readonly StatusKind[] = ["failed", "unreachable"];
const RECENT = 8;

/** What goes on among the latest sessions, those that need a person first. */
export function Overview() {
  useTitle();
  const { sessions, isLoading, error } = useSessionList();
  const { newSession } = useShell();
  const of = (kinds: readonly StatusKind[]) => sessions.filter((session) => kinds.includes(statusOf(session).kind));
  const shown = { waiting: of(["waiting"]), broken: of(BROKEN), busy: of(BUSY) };
  const rest = sessions.filter((session) => !Object.values(shown).some((group) => group.includes(session)));
  return (
    <main tabIndex={-1} className="min-w-0 flex-1 overflow-y-auto outline-none">
      <div className="mx-auto flex max-w-3xl flex-col gap-6 p-4 sm:p-8">
        <div className="flex items-center justify-between gap-4">
          <h1 className="text-xl font-semibold">Overview</h1>
          <Button tone="accent" onClick={() => newSession()}>
            <SquarePen />
            New session
          </Button>
        </div>
        {sessions.length === 0 && !isLoading && error === undefined && <FirstSteps />}
        <Group title="Needs an answer" sessions={shown.waiting} />
        <Group title="Needs a look" sessions={shown.broken} />
        <Group title="At work" sessions={shown.busy} />
        <Group title="Latest" sessions={rest.slice(0, RECENT)} />
      </div>
    </main>
  );
}

function Group({ title, sessions }: { readonly title: string; readonly sessions: readonly SessionListItem[] }) {
  if (sessions.length === 0) return null;
  return (
    <section>
      <h2 className="mb-1 flex items-center gap-2 px-2.5 text-sm font-semibold text-muted">
        {title}
        <span className="font-normal tabular-nums">{sessions.length}</span>
      </h2>
      <ul className="flex flex-col rounded-lg border bg-panel p-1">
        {sessions.map((session) => (
          <li key={session.sessionId}>
            <SessionRow session={session} isOpen={false} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** For who sees this for the first time. */
function FirstSteps() {
  const { model } = useConsoleInfo();
  return (
    <section className="rounded-lg border bg-panel p-5">
      <h2 className="mb-3 font-semibold">Begin here</h2>
      <ol className="flex list-decimal flex-col gap-3 pl-5 marker:text-muted">
        <li>
          <strong className="font-semibold">Make a session</strong> (<Kbd>C</Kbd>). It is one conversation with an
          agent, in a sandbox with a workspace of its own.
        </li>
        <li>
          <strong className="font-semibold">Say what is to be done.</strong> The agent’s words, the tools that it calls
          and the files that it changes appear as they happen.
          {model === "scripted" && " A scripted model answers here, with a short demonstration."}
        </li>
        <li>
          <strong className="font-semibold">Close the tab whenever you like.</strong> Everything is kept in the
          session’s log: you find it here, go back in it, and fork it.
        </li>
        <li>
          <strong className="font-semibold">Decide what agents are</strong> in{" "}
          <Link href={paths.profiles} className="text-accent underline">
            profiles
          </Link>
          : their instructions, tools, permissions, skills.
        </li>
      </ol>
    </section>
  );
}
