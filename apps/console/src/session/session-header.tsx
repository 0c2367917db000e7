import { shallowEqual, useConnection, useSessionSelector, type SessionSnapshot } from "@hhopkins/agent-runtime-react";
import type { SessionActivity, SessionState } from "@hhopkins/agent-runtime-protocol";
import { clsx } from "clsx";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { usePast } from "../past/past.tsx";
import { paths } from "../routes.ts";
import { nameOf } from "../sessions/session-name.ts";
import { statusOf } from "../sessions/session-status.ts";
import { useTitle } from "../shell/use-title.ts";
import { Badge } from "../ui/badge.tsx";
import { costText, countText } from "../ui/format.ts";
import { SessionMenu } from "./session-menu.tsx";

function headOf({ state }: SessionSnapshot) {
  return {
    name: state?.name,
    runtime: state?.runtime,
    activity: state === undefined ? undefined : activityOf(state),
    profile: state?.agentProfileReference,
    architecture: state?.type,
    model: state?.sessionMetadata.model ?? state?.sessionOptions?.model,
    tokens: state?.sessionMetadata.usage.totalTokens ?? 0,
    costUSD: state?.sessionMetadata.costUSD ?? 0,
    forkedFrom: state?.forkedFrom,
  };
}

type Head = ReturnType<typeof headOf>;

function activityOf({ asks, turn, queue }: SessionState): SessionActivity {
  if (asks.length > 0) return "waiting";
  if (turn !== null) return "running";
  return queue.length > 0 ? "queued" : "idle";
}

/** What a session is, how it is, and what can be done to it. */
export function SessionHeader({ sessionId, children }: { readonly sessionId: string; readonly children?: ReactNode }) {
  const head = useSessionSelector(sessionId, headOf, shallowEqual);
  const name = nameOf({ sessionId, name: head.name });
  useTitle(`${head.activity === "running" ? "▸ " : ""}${name}`);
  const status = head.runtime === undefined ? undefined : statusOf({ activity: head.activity, runtime: head.runtime });
  return (
    <header className="flex shrink-0 items-center gap-2 border-b bg-panel py-1.5 pr-2 pl-4">
      <div className="min-w-0 flex-1">
        <div className="flex min-w-0 items-center gap-2">
          <h1 className="truncate font-semibold" title={name}>
            {name}
          </h1>
          {status !== undefined && <Badge tone={status.tone}>{status.label}</Badge>}
        </div>
        <Facts head={head} />
      </div>
      <ConnectionState sessionId={sessionId} />
      {children}
      <SessionMenu sessionId={sessionId} isBusy={head.activity !== "idle"} />
    </header>
  );
}

function Facts({ head }: { readonly head: Head }) {
  const { profile, architecture, model, tokens, costUSD, forkedFrom } = head;
  if (profile === undefined) return <p className="h-4.5 text-xs text-muted">Loading…</p>;
  const facts: readonly (readonly [string, ReactNode])[] = [
    ["Profile", <ProfileLink key="profile" id={profile} />],
    ["Architecture", architecture],
    ["Model", model],
    ["Tokens", tokens > 0 ? `${countText(tokens)} tokens` : undefined],
    ["Cost", tokens > 0 ? costText(costUSD) : undefined],
    ["Origin", forkedFrom && <OriginLink key="origin" sessionId={forkedFrom.sessionId} />],
  ];
  return (
    <dl className="flex min-w-0 gap-x-2 overflow-hidden text-xs whitespace-nowrap text-muted">
      {facts
        .filter(([, value]) => value !== undefined && value !== "")
        .map(([label, value], place) => (
          <div key={label} className={clsx("min-w-0 shrink-0", label === "Architecture" && "hidden sm:block")}>
            <dt className="sr-only">{label}</dt>
            <dd className="flex gap-2">
              {place > 0 && <span aria-hidden>·</span>}
              <span title={label}>{value}</span>
            </dd>
          </div>
        ))}
    </dl>
  );
}

function ProfileLink({ id }: { readonly id: string }) {
  return (
    <Link href={paths.profile(id)} className="underline-offset-2 hover:text-ink hover:underline">
      {id}
    </Link>
  );
}

function OriginLink({ sessionId }: { readonly sessionId: string }) {
  return (
    <Link
      href={paths.session(sessionId)}
      title={sessionId}
      className="underline-offset-2 hover:text-ink hover:underline"
    >
      forked from {nameOf({ sessionId })}
    </Link>
  );
}

const CONNECTIONS = {
  idle: { label: "Connecting", dot: "bg-muted" },
  connecting: { label: "Connecting", dot: "bg-muted" },
  live: { label: "Live", dot: "bg-good" },
  reconnecting: { label: "Reconnecting", dot: "bg-warn" },
  stopped: { label: "Not connected", dot: "bg-muted" },
  failed: { label: "Not connected", dot: "bg-bad" },
} as const;

function ConnectionState({ sessionId }: { readonly sessionId: string }) {
  const { status } = useConnection(sessionId);
  const past = usePast();
  // What was has no line; the bar above says where one is.
  if (past !== undefined) return null;
  const { label, dot } = CONNECTIONS[status];
  return (
    <span
      role="status"
      aria-label="Connection"
      data-state={status}
      className="flex items-center gap-1.5 text-xs text-muted"
    >
      <span aria-hidden className={clsx("size-2 rounded-full", dot)} />
      <span className={clsx(status === "live" && "sr-only sm:not-sr-only")}>{label}</span>
    </span>
  );
}
