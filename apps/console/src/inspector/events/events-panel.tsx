import { useSubagents } from "@hhopkins/agent-runtime-react";
import { Copy, Pause, Play, Search } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { usePastControls, useTape } from "../../past/past-controls.ts";
import { countUpTo } from "../../past/timeline.ts";
import { Button } from "../../ui/button.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { Input } from "../../ui/input.tsx";
import { Select } from "../../ui/select.tsx";
import { visibleName } from "../../ui/visible-name.ts";
import { EventDetail } from "./event-detail.tsx";
import { EventList, type Selection } from "./event-list.tsx";
import { asNdjson, EVERYTHING, filterEvents, shortType, type EventFilter } from "./event-summary.ts";

/** The log of a session, event by event. */
export function EventsPanel({ sessionId }: { readonly sessionId: string }) {
  const { readAll, seq } = usePastControls();
  const { events, after, isReading, error } = useTape();
  const [filter, setFilter] = useState(EVERYTHING);
  const [pausedAt, setPausedAt] = useState<number>();
  const [selection, setSelection] = useState<Selection>();
  const wanted = useDeferredValue(filter);
  const shown = useMemo(() => {
    const upTo = pausedAt === undefined ? events : events.slice(0, countUpTo(events, pausedAt));
    return filterEvents(upTo, wanted);
  }, [events, wanted, pausedAt]);
  const chosen = useMemo(() => chosenOf(shown, selection), [shown, selection]);
  const head = chosen.find(({ seq }) => seq === selection?.head);
  const count = chosen.length > 1 ? `the ${chosen.length} chosen` : `all ${shown.length}`;
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Filters sessionId={sessionId} filter={filter} onChange={setFilter} />
      <div className="flex items-center gap-1 border-b px-3 py-1 text-xs text-muted">
        <p className="min-w-0 flex-1 truncate">
          {shown.length === events.length ? `${events.length} events` : `${shown.length} of ${events.length} events`}
          {isReading && " · reading…"}
          {error !== undefined && <span className="text-bad"> · {error}</span>}
        </p>
        {after !== undefined && after > 0 && !isReading && (
          <Button tone="ghost" className="h-7 px-2 text-xs" onClick={readAll}>
            Read the {after} before
          </Button>
        )}
        <Button
          tone="ghost"
          icon
          className="size-7"
          aria-pressed={pausedAt !== undefined}
          aria-label={pausedAt === undefined ? "Pause" : "Go on"}
          title={pausedAt === undefined ? "Pause: new events wait" : "Go on with new events"}
          onClick={() => setPausedAt(pausedAt === undefined ? (events.at(-1)?.seq ?? 0) : undefined)}
        >
          {pausedAt === undefined ? <Pause /> : <Play />}
        </Button>
        <CopyButton
          icon={<Copy />}
          label={`Copy ${count} as NDJSON`}
          text={() => asNdjson(chosen.length > 1 ? chosen : shown)}
        />
      </div>
      <EventList events={shown} selection={selection} onSelect={setSelection} seq={seq} />
      {head !== undefined && <EventDetail event={head} onClose={() => setSelection(undefined)} />}
    </div>
  );
}

function chosenOf<E extends { readonly seq: number }>(events: readonly E[], selection: Selection | undefined) {
  if (selection === undefined) return [];
  const { anchor, head } = selection;
  return events.slice(countUpTo(events, Math.min(anchor, head) - 1), countUpTo(events, Math.max(anchor, head)));
}

interface FiltersProps {
  readonly sessionId: string;
  readonly filter: EventFilter;
  readonly onChange: (filter: EventFilter) => void;
}

function Filters({ sessionId, filter, onChange }: FiltersProps) {
  const { events } = useTape();
  const { subagents } = useSubagents(sessionId);
  const types = useMemo(() => [...new Set(events.map(({ type }) => type))].sort(), [events]);
  return (
    <div className="flex flex-wrap gap-2 border-b px-3 py-2">
      <span className="relative min-w-32 flex-1">
        <Search aria-hidden className="absolute top-2 left-2 size-4 text-muted" />
        <Input
          type="search"
          aria-label="Find in events"
          placeholder="Find"
          className="pl-7"
          value={filter.text}
          onChange={(event) => onChange({ ...filter, text: event.currentTarget.value })}
        />
      </span>
      <Select
        aria-label="Type of events"
        className="max-w-44"
        value={filter.type}
        options={[
          { value: "all", label: "All types" },
          { value: "quiet", label: "Without deltas" },
          ...types.map((type) => ({ value: type, label: shortType(type) })),
        ]}
        onChange={(event) => onChange({ ...filter, type: event.currentTarget.value })}
      />
      {subagents.length > 0 && (
        <Select
          aria-label="Conversation of events"
          className="max-w-40"
          value={filter.conversation}
          options={[
            { value: "all", label: "All conversations" },
            { value: "main", label: "Main" },
            ...subagents.map(({ id, name }) => ({ value: id, label: visibleName(name) })),
          ]}
          onChange={(event) => onChange({ ...filter, conversation: event.currentTarget.value })}
        />
      )}
    </div>
  );
}
