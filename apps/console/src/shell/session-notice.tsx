import { useAgentSession, useConnection } from "@hhopkins/agent-runtime-react";
import { CircleX } from "lucide-react";
import { Link } from "wouter";
import { paths } from "../routes.ts";
import { Button } from "../ui/button.tsx";
import { useTitle } from "./use-title.ts";

/** Says why a session cannot be followed any more, above what is still shown of it. */
export function SessionNotice({ sessionId }: { readonly sessionId: string }) {
  const { session } = useAgentSession(sessionId);
  const { status, error, reload } = useConnection(sessionId);
  // The page's own header names the tab as soon as it is there; what is not there has no name.
  useTitle(session?.name);
  // What was never there the session's page speaks of.
  if (status !== "failed" || session === undefined) return null;
  const isGone = error?.code === "session_not_found";
  return (
    <div role="alert" className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b bg-bad/10 px-4 py-2">
      <CircleX aria-hidden className="size-4 shrink-0 text-bad" />
      <p className="min-w-0 flex-1 break-words">
        {isGone
          ? "This session has been deleted. What you see is the last of it; nothing can be sent any more."
          : error?.message}
      </p>
      {isGone ? (
        <Link href={paths.home} className="font-medium underline">
          To the sessions
        </Link>
      ) : (
        <Button onClick={reload}>Try again</Button>
      )}
    </div>
  );
}
