import { useConnection, useSessionSelector, type SessionSnapshot } from "@hhopkins/agent-runtime-react";
import { CloudOff, SearchX, ServerOff } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { paths } from "../routes.ts";
import { Button } from "../ui/button.tsx";
import { EmptyState } from "../ui/empty-state.tsx";

const hasState = ({ state }: SessionSnapshot): boolean => state !== undefined;

/** Whether there is a session to show. `gone`: there was one, and nothing can be done to it any more. */
export function usePresence(sessionId: string): "there" | "loading" | "away" | "missing" | "gone" | "refused" {
  const isThere = useSessionSelector(sessionId, hasState);
  const { status, error } = useConnection(sessionId);
  if (status === "failed" && isThere) return "gone";
  if (status === "failed") return error?.code === "session_not_found" ? "missing" : "refused";
  if (isThere) return "there";
  return error === undefined ? "loading" : "away";
}

/** In place of a session that cannot be shown. */
export function SessionGone({ sessionId }: { readonly sessionId: string }) {
  const presence = usePresence(sessionId);
  const { error, reload } = useConnection(sessionId);
  switch (presence) {
    case "there":
    case "gone":
      return null;
    case "loading":
      return <Centered live>Loading the session…</Centered>;
    case "away":
      return (
        <Centered live>
          <EmptyState icon={<ServerOff />} title="The session is not here yet">
            <p>
              {error?.code === "unreachable"
                ? "It comes by itself as soon as the server answers."
                : `It is tried again by itself, with growing pauses. (${error?.message})`}
            </p>
            <Button onClick={reload}>Try now</Button>
          </EmptyState>
        </Centered>
      );
    case "missing":
      return (
        <Centered>
          <EmptyState icon={<SearchX />} title="There is no such session">
            <p>It was deleted, or it belongs to somebody else.</p>
            <HomeLink />
          </EmptyState>
        </Centered>
      );
    case "refused":
      return (
        <Centered>
          <EmptyState icon={<CloudOff />} title="The session cannot be shown">
            <p>{error?.message}</p>
            <Button onClick={reload}>Try again</Button>
          </EmptyState>
        </Centered>
      );
  }
}

function HomeLink() {
  return (
    <Link href={paths.home} className="font-medium text-accent underline underline-offset-2">
      All sessions
    </Link>
  );
}

function Centered({ live = false, children }: { readonly live?: boolean; readonly children: ReactNode }) {
  return (
    <div aria-live={live ? "polite" : undefined} className="grid flex-1 place-items-center p-4 text-muted">
      {children}
    </div>
  );
}
