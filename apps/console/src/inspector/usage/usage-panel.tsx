import type { SubagentState, Usage } from "@hhopkins/agent-runtime-protocol";
import { useMessages, useSubagents } from "@hhopkins/agent-runtime-react";
import { useMemo, useState } from "react";
import type { ReactNode } from "react";
import { usePastControls, useTape } from "../../past/past-controls.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { costText, countText, durationText, timeText } from "../../ui/format.ts";
import { visibleName } from "../../ui/visible-name.ts";
import { UsageChart } from "./usage-chart.tsx";
import { usageSeries, type TurnUsage } from "./usage-series.ts";

/** What a session has used, and when. */
export function UsagePanel({ sessionId }: { readonly sessionId: string }) {
  const { metadata } = useMessages(sessionId);
  const { subagents } = useSubagents(sessionId);
  const { seq } = usePastControls();
  const { events, after, isReading, error } = useTape();
  const series = useMemo(() => usageSeries(events, seq), [events, seq]);
  const [of, setOf] = useState<"costUSD" | "tokens">("costUSD");
  const used = subagents.filter(({ usage }) => usage !== undefined);
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-5 overflow-auto p-4" tabIndex={0} aria-label="Usage">
      {metadata !== undefined && <Totals usage={metadata.usage} costUSD={metadata.costUSD} model={metadata.model} />}
      <section aria-label="Over time">
        <div className="mb-2 flex items-center justify-between">
          <h2 className="font-semibold">Over time</h2>
          <div role="group" aria-label="What the chart shows" className="flex gap-1">
            <Choice isOn={of === "costUSD"} onClick={() => setOf("costUSD")}>
              Cost
            </Choice>
            <Choice isOn={of === "tokens"} onClick={() => setOf("tokens")}>
              Tokens
            </Choice>
          </div>
        </div>
        <UsageChart points={series.points} of={of} format={of === "costUSD" ? costText : countText} />
        {isReading && <p className="text-muted">Reading the log…</p>}
        {error !== undefined && (
          <p role="alert" className="text-bad">
            {error}
          </p>
        )}
        {after !== undefined && after > 0 && !isReading && (
          <p className="text-muted">Of the last {events.length} events; the log is longer.</p>
        )}
      </section>
      {series.turns.length > 0 && <Turns turns={series.turns} />}
      {used.length > 0 && <Subagents subagents={used} />}
      {metadata?.gateway !== undefined && (
        <section aria-label="At the gateway">
          <h2 className="font-semibold">At the gateway</h2>
          <p className="mb-1 text-muted">
            The same answers, counted a second time outside of the sandbox: {metadata.gateway.requests} requests. Not to
            be added.
          </p>
          <Figures figures={figuresOf(metadata.gateway.usage)} />
        </section>
      )}
    </div>
  );
}

function Choice({ isOn, onClick, children }: { isOn: boolean; onClick: () => void; children: ReactNode }) {
  return (
    <Button tone={isOn ? "plain" : "ghost"} aria-pressed={isOn} className="h-7 px-2 text-xs" onClick={onClick}>
      {children}
    </Button>
  );
}

function Totals({ usage, costUSD, model }: { usage: Usage; costUSD: number; model: string | undefined }) {
  return (
    <section aria-label="In all">
      <p className="flex items-baseline gap-2">
        <span className="text-2xl font-semibold tabular-nums">{costText(costUSD)}</span>
        <span className="text-muted">{countText(usage.totalTokens)} tokens</span>
        {model !== undefined && <Badge>{model}</Badge>}
      </p>
      <Figures figures={figuresOf(usage)} />
    </section>
  );
}

function figuresOf(usage: Usage): readonly (readonly [string, number])[] {
  return [
    ["Input", usage.inputTokens],
    ["Output", usage.outputTokens],
    ["Cache read", usage.cacheReadTokens],
    ["Cache write", usage.cacheWriteTokens],
    ["Thinking", usage.thinkingTokens],
  ];
}

function Figures({ figures }: { readonly figures: ReturnType<typeof figuresOf> }) {
  return (
    <dl className="mt-2 grid grid-cols-5 gap-x-3">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt className="text-xs text-muted">{name}</dt>
          <dd className="tabular-nums" title={value.toLocaleString()}>
            {countText(value)}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const TONES = { completed: "good", interrupted: "warn", failed: "bad" } as const;

function Turns({ turns }: { readonly turns: readonly TurnUsage[] }) {
  const { goTo } = usePastControls();
  return (
    <section aria-label="By turn">
      <h2 className="mb-1 font-semibold">By turn</h2>
      <Table heads={["Ended", "How", "Time", "In", "Out", "Cost"]}>
        {turns.map(({ turnId, seq, endedAt, durationMs, status, usage, costUSD }) => (
          <tr key={`${turnId} ${seq}`} className="border-t">
            <td className="py-1">
              <button
                type="button"
                title={`${timeText(endedAt)}: show the session as it was then`}
                className="rounded text-left underline decoration-line underline-offset-2 hover:decoration-current"
                onClick={() => goTo(seq)}
              >
                seq {seq}
              </button>
            </td>
            <td>
              <Badge tone={TONES[status]}>{status}</Badge>
            </td>
            <Cell>{durationMs === undefined ? "" : durationText(durationMs)}</Cell>
            <Cell>{countText(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens)}</Cell>
            <Cell>{countText(usage.outputTokens)}</Cell>
            <Cell>{costText(costUSD)}</Cell>
          </tr>
        ))}
      </Table>
    </section>
  );
}

function Subagents({ subagents }: { readonly subagents: readonly SubagentState[] }) {
  return (
    <section aria-label="By subagent">
      <h2 className="font-semibold">By subagent</h2>
      <p className="mb-1 text-muted">Part of what is above.</p>
      <Table heads={["Name", "In", "Out", "Cost"]}>
        {subagents.map(({ id, name, usage, costUSD }) => (
          <tr key={id} className="border-t">
            <td className="max-w-40 truncate py-1">{visibleName(name)}</td>
            <Cell>
              {usage !== undefined && countText(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens)}
            </Cell>
            <Cell>{usage !== undefined && countText(usage.outputTokens)}</Cell>
            <Cell>{costUSD !== undefined && costText(costUSD)}</Cell>
          </tr>
        ))}
      </Table>
    </section>
  );
}

/** The first column is what a row is about; numbers stand at the right. */
function Table({ heads, children }: { readonly heads: readonly string[]; readonly children: ReactNode }) {
  return (
    <div className="overflow-x-auto">
      <table className="w-full text-sm">
        <thead className="text-xs text-muted">
          <tr>
            {heads.map((head) => (
              <th
                key={head}
                scope="col"
                className={`py-1 font-medium ${head === heads[0] || head === "How" ? "text-left" : "pl-3 text-right"}`}
              >
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function Cell({ children }: { readonly children: ReactNode }) {
  return <td className="py-1 pl-3 text-right tabular-nums">{children}</td>;
}
