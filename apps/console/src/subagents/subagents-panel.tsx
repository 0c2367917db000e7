import { useSubagents, type SubagentState } from "@hhopkins/agent-runtime-react";
import { ArrowLeft, Bot } from "lucide-react";
import { useMemo } from "react";
import { Link } from "wouter";
import { Conversation } from "../conversation/conversation.tsx";
import { useHashSearch } from "../hash-location.ts";
import { seqOf, withSeq } from "../past/seq-of-address.ts";
import { paths } from "../routes.ts";
import { EmptyState } from "../ui/empty-state.tsx";
import { costText, countText } from "../ui/format.ts";
import { visibleName } from "../ui/visible-name.ts";
import { StopSubagent } from "./stop-button.tsx";
import { SubagentStatusBadge } from "./subagent-status.tsx";
import { subagentTree } from "./subagent-tree.ts";

export interface SubagentsPanelProps {
  readonly sessionId: string;
  /** The one whose conversation is shown; undefined: all of them, as a tree. */
  readonly subagentId: string | undefined;
}

/** Who works for whom in a session. */
export function SubagentsPanel({ sessionId, subagentId }: SubagentsPanelProps) {
  const { subagents, getSubagent } = useSubagents(sessionId);
  if (subagentId !== undefined)
    return <OneSubagent sessionId={sessionId} subagentId={subagentId} subagent={getSubagent(subagentId)} />;
  if (subagents.length === 0)
    return (
      <EmptyState icon={<Bot />} title="No subagents">
        An agent that has the tool Agent hands work to others; each of them is listed here, with what it costs.
      </EmptyState>
    );
  return <Tree sessionId={sessionId} subagents={subagents} />;
}

function Tree({ sessionId, subagents }: { readonly sessionId: string; readonly subagents: readonly SubagentState[] }) {
  const nodes = useMemo(() => subagentTree(subagents), [subagents]);
  const seq = seqOf(useHashSearch());
  return (
    <ul aria-label="Subagents" className="min-h-0 flex-1 overflow-auto p-2">
      {nodes.map(({ subagent, depth }) => (
        <li key={subagent.id} style={{ paddingLeft: `${Math.min(depth, 8) * 1.25}rem` }}>
          <div className="flex items-center gap-2 rounded-md pr-1 hover:bg-raised">
            <Link
              href={withSeq(paths.panel(sessionId, "subagents", subagent.id), seq)}
              className="flex min-h-11 min-w-0 flex-1 flex-col justify-center rounded-md px-2 py-1"
            >
              <span className="flex min-w-0 items-center gap-2">
                <bdi className="truncate font-medium">{visibleName(subagent.name)}</bdi>
                <SubagentStatusBadge status={subagent.status} />
                {subagent.background === true && <span className="shrink-0 text-xs text-muted">in the background</span>}
              </span>
              <Spent subagent={subagent} />
            </Link>
            {subagent.status === "running" && (
              <StopSubagent sessionId={sessionId} subagentId={subagent.id} name={visibleName(subagent.name)} />
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Without those that it called itself. */
function Spent({ subagent: { usage, costUSD } }: { readonly subagent: SubagentState }) {
  if (usage === undefined) return null;
  return (
    <span className="text-xs text-muted tabular-nums">
      {countText(usage.totalTokens)} tokens{costUSD === undefined ? "" : `, ${costText(costUSD)}`}
    </span>
  );
}

interface OneSubagentProps {
  readonly sessionId: string;
  readonly subagentId: string;
  readonly subagent: SubagentState | undefined;
}

function OneSubagent({ sessionId, subagentId, subagent }: OneSubagentProps) {
  const all = withSeq(paths.panel(sessionId, "subagents"), seqOf(useHashSearch()));
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="flex min-h-11 shrink-0 items-center gap-2 border-b px-2">
        <Link
          href={all}
          aria-label="All subagents"
          className="grid size-8 shrink-0 place-items-center rounded-md text-muted hover:bg-raised hover:text-ink"
        >
          <ArrowLeft aria-hidden className="size-4" />
        </Link>
        {subagent !== undefined && (
          <>
            <bdi className="min-w-0 truncate font-medium">{visibleName(subagent.name)}</bdi>
            <SubagentStatusBadge status={subagent.status} />
            <span className="ml-auto shrink-0">
              <Spent subagent={subagent} />
            </span>
            {subagent.status === "running" && (
              <StopSubagent sessionId={sessionId} subagentId={subagentId} name={visibleName(subagent.name)} />
            )}
          </>
        )}
      </div>
      {subagent === undefined ? (
        <EmptyState icon={<Bot />} title="There is no such subagent">
          It is of another session, or its conversation is not kept any more.
        </EmptyState>
      ) : (
        <Conversation sessionId={sessionId} conversationId={subagentId} />
      )}
    </div>
  );
}
