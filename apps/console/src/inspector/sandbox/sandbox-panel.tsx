import type { SandboxGeneration, SandboxState, SandboxStatus } from "@hhopkins/agent-runtime-protocol";
import {
  useAgentService,
  useAgentSession,
  useSessionSelector,
  useTurn,
  type SessionSnapshot,
} from "@hhopkins/agent-runtime-react";
import { RefreshCw } from "lucide-react";
import { useCallback, useState } from "react";
import type { ReactNode } from "react";
import { usePast } from "../../past/past.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Confirm } from "../../ui/confirm.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { sizeText, timeText } from "../../ui/format.ts";
import { Ago } from "../../ui/time.tsx";
import { useToast } from "../../ui/toast.tsx";
import { useFetched, type Fetched } from "./use-fetched.ts";
import { errorText } from "../../ui/error-text.ts";

const EVERY_MS = 5000;

/** Where a session's agent runs, where it ran before, and what it reached. */
export function SandboxPanel({ sessionId }: { readonly sessionId: string }) {
  const { client } = useAgentService();
  const past = usePast();
  const { session, runtime } = useAgentSession(sessionId);
  const generations = useSessionSelector(sessionId, generationsOf);
  const sandbox = runtime?.sandbox ?? undefined;
  const status = sandbox?.status;
  // Asked anew when the log says that something is different.
  const overview = useFetched(
    useCallback(() => client.getSandbox(sessionId), [client, sessionId, status]),
    EVERY_MS,
  );
  const network = useFetched(
    useCallback(() => client.getNetwork(sessionId), [client, sessionId, status]),
    EVERY_MS,
  );
  const { value } = overview;
  const limits = session?.sessionOptions?.limits;
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-5 overflow-auto p-4" tabIndex={0} aria-label="Sandbox">
      <section aria-label="State">
        <State sandbox={sandbox} isLoaded={runtime?.isLoaded ?? false} provider={value?.provider} />
        {past === undefined && <Actions sessionId={sessionId} isLoaded={runtime?.isLoaded ?? false} />}
      </section>
      {generations.length > 0 && <Generations generations={generations} />}
      {limits !== undefined && (
        <Part title="Limits of a turn">
          <Facts facts={Object.entries(limits).map(([name, limit]) => [name, String(limit)])} />
        </Part>
      )}
      {past !== undefined && <p className="text-muted">What follows is as of now.</p>}
      <Fault fetched={overview} />
      {value === undefined && overview.error === undefined && <p className="text-muted">Asking the server…</p>}
      {value !== undefined && <Log lines={value.log.lines} reason={value.log.reason} onRefresh={overview.refresh} />}
      <Part title="Network">
        <Fault fetched={network} />
        {network.value !== undefined && (
          <>
            <p className="text-muted">
              {network.value.allowedHosts.length === 0
                ? "It may reach the model, and nothing else."
                : `Beside the model it may reach ${network.value.allowedHosts.join(", ")}.`}
            </p>
            <Places places={network.value.places} />
          </>
        )}
      </Part>
    </div>
  );
}

const NONE: readonly SandboxGeneration[] = [];

function generationsOf({ state }: SessionSnapshot): readonly SandboxGeneration[] {
  return state?.sandboxes ?? NONE;
}

const TONES: Readonly<Record<SandboxStatus, "plain" | "accent" | "good" | "warn" | "bad">> = {
  pending: "warn",
  starting: "accent",
  ready: "good",
  unhealthy: "warn",
  terminated: "plain",
  error: "bad",
};

interface StateProps {
  readonly sandbox: SandboxState | undefined;
  readonly isLoaded: boolean;
  readonly provider: string | undefined;
}

function State({ sandbox, isLoaded, provider }: StateProps) {
  if (sandbox === undefined) return <p className="text-muted">No sandbox yet. The first message starts one.</p>;
  const { status, statusMessage, sandboxId, restartCount, lastHealthCheck } = sandbox;
  return (
    <>
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={TONES[status]}>{status}</Badge>
        {statusMessage !== undefined && <span className="min-w-0 break-words">{statusMessage}</span>}
      </p>
      <Facts
        facts={[
          ["Sandbox", sandboxId ?? "not known"],
          ...(provider === undefined ? [] : [["Provider", provider] as const]),
          ["Sandboxes before it", String(restartCount)],
          ["Last looked at", lastHealthCheck === null ? "never" : timeText(lastHealthCheck)],
          ["Session", isLoaded ? "loaded" : "not loaded: the next message loads it"],
        ]}
      />
    </>
  );
}

function Actions({ sessionId, isLoaded }: { readonly sessionId: string; readonly isLoaded: boolean }) {
  const { client } = useAgentService();
  const { isRunning } = useTurn(sessionId);
  const toast = useToast();
  const [isAsking, setAsking] = useState(false);
  const sync = (): void => {
    client.sync(sessionId).then(
      () => toast("The workspace is saved."),
      (error: unknown) => toast(errorText(error), { tone: "bad" }),
    );
  };
  return (
    <div className="mt-3 flex gap-2">
      <Button disabled={!isLoaded} onClick={sync}>
        Save files now
      </Button>
      <Button disabled={!isLoaded} onClick={() => setAsking(true)}>
        Put to sleep
      </Button>
      <Confirm
        open={isAsking}
        onOpenChange={setAsking}
        title="Put this session to sleep?"
        action="Put to sleep"
        onConfirm={() => client.unload(sessionId)}
      >
        Its workspace is saved and its sandbox ends. The next message starts a new one with the same files.
        {isRunning && " A turn is running: it is stopped."}
      </Confirm>
    </div>
  );
}

function Generations({ generations }: { readonly generations: readonly SandboxGeneration[] }) {
  return (
    <Part title="Sandboxes so far">
      <ol className="flex flex-col gap-2">
        {generations.toReversed().map(({ sandboxId, startedAt, endedAt, status, statusMessage }) => (
          <li key={`${sandboxId} ${startedAt}`} className="border-l-2 pl-3">
            <p className="flex flex-wrap items-center gap-2">
              <code className="truncate text-xs">{sandboxId ?? "never started"}</code>
              <Badge tone={TONES[status]}>{status}</Badge>
            </p>
            <p className="text-xs text-muted">
              {timeText(startedAt)} – {endedAt === undefined ? "now" : timeText(endedAt)}
              {statusMessage !== undefined && ` · ${statusMessage}`}
            </p>
          </li>
        ))}
      </ol>
    </Part>
  );
}

interface LogProps {
  readonly lines: readonly string[];
  readonly reason: string | undefined;
  readonly onRefresh: () => void;
}

function Log({ lines, reason, onRefresh }: LogProps) {
  return (
    <section aria-label="Log">
      <header className="mb-1 flex items-center gap-1">
        <h2 className="flex-1 font-semibold">Log of the runner</h2>
        <CopyButton label="Copy the log" text={() => lines.join("\n")} />
        <Button tone="ghost" icon className="size-7" aria-label="Read the log again" onClick={onRefresh}>
          <RefreshCw />
        </Button>
      </header>
      {lines.length === 0 ? (
        <p className="text-muted">{reason ?? "It wrote nothing."}</p>
      ) : (
        <pre
          tabIndex={0}
          aria-label="Lines of the log"
          className="max-h-72 overflow-auto rounded-md bg-raised p-2 font-mono text-xs whitespace-pre-wrap break-words"
        >
          {lines.join("\n")}
        </pre>
      )}
    </section>
  );
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly allowed: boolean;
  readonly reason?: string | undefined;
  readonly requests: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly lastAt: string;
}

function Places({ places }: { readonly places: readonly Place[] }) {
  if (places.length === 0) return null;
  return (
    <ul className="mt-2 flex flex-col gap-1.5">
      {places.map(({ host, port, allowed, reason, requests, bytesSent, bytesReceived, lastAt }) => (
        <li key={`${host}:${port} ${allowed}`}>
          <p className="flex flex-wrap items-center gap-2">
            <code className="text-xs break-all">
              {host}:{port}
            </code>
            <Badge tone={allowed ? "good" : "bad"}>{allowed ? "reached" : "refused"}</Badge>
          </p>
          <p className="text-xs text-muted">
            {requests} × · {sizeText(bytesSent)} sent, {sizeText(bytesReceived)} received · <Ago at={lastAt} />
            {reason !== undefined && ` · ${reason}`}
          </p>
        </li>
      ))}
    </ul>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h2 className="mb-1 font-semibold">{title}</h2>
      {children}
    </section>
  );
}

function Facts({ facts }: { readonly facts: readonly (readonly [string, string])[] }) {
  return (
    <dl className="mt-2 grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 truncate" title={value}>
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Fault({ fetched: { error, refresh } }: { readonly fetched: Fetched<unknown> }) {
  if (error === undefined) return null;
  return (
    <p role="alert" className="flex items-center gap-2 text-bad">
      {error}
      <Button onClick={refresh}>Try again</Button>
    </p>
  );
}
