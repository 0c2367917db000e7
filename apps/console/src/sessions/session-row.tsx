import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { clsx } from "clsx";
import { memo } from "react";
import { Link } from "wouter";
import { paths } from "../routes.ts";
import { costText } from "../ui/format.ts";
import { Ago } from "../ui/time.tsx";
import { nameOf } from "./session-name.ts";
import { SessionMenu } from "./session-menu.tsx";
import { statusOf } from "./session-status.ts";
import { StatusDot } from "./status-dot.tsx";

export const ROW_HEIGHT = 56;

export interface SessionRowProps {
  readonly session: SessionListItem;
  readonly isOpen: boolean;
  readonly onOpen?: (() => void) | undefined;
}

/** A session of the list: its name, what it is doing, of which profile, how long ago, what it has cost. */
export const SessionRow = memo(function SessionRow({ session, isOpen, onOpen }: SessionRowProps) {
  const { sessionId, agentProfileReference, lastActivity, createdAt, sessionMetadata } = session;
  const status = statusOf(session);
  return (
    <div className={clsx("group relative flex items-center rounded-md", isOpen ? "bg-raised" : "hover:bg-raised/60")}>
      <Link
        href={paths.session(sessionId)}
        aria-current={isOpen ? "page" : undefined}
        {...(onOpen === undefined ? {} : { onClick: onOpen })}
        className="flex h-14 min-w-0 flex-1 flex-col justify-center gap-0.5 rounded-md px-2.5 outline-offset-[-2px]"
      >
        <span className="flex items-center gap-2">
          <StatusDot status={status} />
          <bdi className="truncate font-medium">{nameOf(session)}</bdi>
          <span className="ml-auto shrink-0 text-xs text-muted group-focus-within:pr-7 group-hover:pr-7 pointer-coarse:pr-7">
            <Ago at={lastActivity ?? createdAt} />
          </span>
        </span>
        <span className="flex items-center gap-1.5 pl-4 text-xs text-muted">
          <span
            className={clsx("shrink-0", (status.kind === "waiting" || status.tone === "bad") && "font-medium text-ink")}
          >
            {status.label}
          </span>
          <span aria-hidden>·</span>
          <bdi className="truncate">{agentProfileReference}</bdi>
          {sessionMetadata !== undefined && sessionMetadata.costUSD > 0 && (
            <span className="ml-auto shrink-0 tabular-nums">{costText(sessionMetadata.costUSD)}</span>
          )}
        </span>
      </Link>
      <div className="absolute top-1 right-1 opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 has-[[data-state=open]]:opacity-100 pointer-coarse:opacity-100">
        <SessionMenu session={session} />
      </div>
    </div>
  );
});
