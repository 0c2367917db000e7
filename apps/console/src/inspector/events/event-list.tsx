import { useVirtualizer } from "@tanstack/react-virtual";
import { clsx } from "clsx";
import { useEffect, useId, useRef } from "react";
import type { KeyboardEvent, UIEvent } from "react";
import type { TapeEvent } from "../../past/tape.ts";
import { countUpTo } from "../../past/timeline.ts";
import { eventSummary, shortType } from "./event-summary.ts";

const ROW = 26;
/** Pixels from the end within which new events are followed. */
const NEAR_END = 40;

/** From one event to another, by their `seq`. */
export interface Selection {
  readonly anchor: number;
  readonly head: number;
}

export interface EventListProps {
  readonly events: readonly TapeEvent[];
  readonly selection: Selection | undefined;
  readonly onSelect: (selection: Selection) => void;
  /** The place that the page shows, which is marked; undefined: now. */
  readonly seq: number | undefined;
}

/** Events in rows; only those in view are in the page. The end is followed until the reader scrolls up. */
export function EventList({ events, selection, onSelect, seq }: EventListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  const firstSeq = useRef<number>(undefined);
  const id = useId();
  const rows = useVirtualizer({
    count: events.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  const here = seq === undefined ? undefined : countUpTo(events, seq) - 1;
  const place = selection === undefined ? undefined : countUpTo(events, selection.head) - 1;

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const before = firstSeq.current;
    firstSeq.current = events[0]?.seq;
    if (isFollowing.current) element.scrollTop = element.scrollHeight;
    // Older events came in above: what was in view stays there.
    else if (before !== undefined && (events[0]?.seq ?? before) < before)
      element.scrollTop += (countUpTo(events, before) - 1) * ROW;
  }, [events]);

  useEffect(() => {
    if (seq === undefined) return;
    isFollowing.current = false;
    rows.scrollToIndex(Math.max(0, countUpTo(events, seq) - 1), { align: "center" });
    // Where the reader goes, and not with each new event.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [seq, events.length === 0]);

  const scrolled = ({ currentTarget: { scrollTop, clientHeight, scrollHeight } }: UIEvent<HTMLDivElement>): void => {
    isFollowing.current = scrollHeight - scrollTop - clientHeight < NEAR_END;
  };
  const choose = (index: number, isRange: boolean): void => {
    const event = events[Math.max(0, Math.min(index, events.length - 1))];
    if (event === undefined) return;
    onSelect({ anchor: isRange && selection !== undefined ? selection.anchor : event.seq, head: event.seq });
    rows.scrollToIndex(events.indexOf(event));
  };
  const press = (event: KeyboardEvent): void => {
    const target = keyTarget(event.key, place ?? events.length, events.length);
    if (target === undefined) return;
    event.preventDefault();
    isFollowing.current = false;
    choose(target, event.shiftKey);
  };
  return (
    <div
      ref={scroller}
      role="listbox"
      aria-label="Events"
      aria-multiselectable
      aria-activedescendant={place === undefined ? undefined : `${id}-${place}`}
      tabIndex={0}
      onScroll={scrolled}
      onKeyDown={press}
      className="min-h-0 flex-1 overflow-auto font-mono text-xs outline-offset-[-2px]"
    >
      <div role="presentation" className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const event = events[index];
          if (event === undefined) return null;
          return (
            <EventRow
              key={event.seq}
              id={`${id}-${index}`}
              event={event}
              top={start}
              place={index + 1}
              count={events.length}
              isChosen={isWithin(event.seq, selection)}
              skipped={skippedBefore(events, index)}
              isHere={index === here}
              onChoose={(isRange) => choose(index, isRange)}
            />
          );
        })}
      </div>
    </div>
  );
}

function keyTarget(key: string, place: number, count: number): number | undefined {
  switch (key) {
    case "ArrowUp":
      return place - 1;
    case "ArrowDown":
      return place + 1;
    case "PageUp":
      return place - 20;
    case "PageDown":
      return place + 20;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}

function isWithin(seq: number, selection: Selection | undefined): boolean {
  if (selection === undefined) return false;
  return seq >= Math.min(selection.anchor, selection.head) && seq <= Math.max(selection.anchor, selection.head);
}

/** Numbers that the log has no event of any more: this one stands for them too. With a filter nobody can say. */
function skippedBefore(events: readonly TapeEvent[], index: number): number {
  const { from, seq } = events[index] ?? {};
  return from === undefined || seq === undefined ? 0 : seq - from;
}

interface EventRowProps {
  readonly id: string;
  readonly event: TapeEvent;
  /** Pixels. */
  readonly top: number;
  readonly place: number;
  readonly count: number;
  readonly isChosen: boolean;
  readonly skipped: number;
  /** The page shows the session as it was after this one. */
  readonly isHere: boolean;
  readonly onChoose: (isRange: boolean) => void;
}

function EventRow({ id, event, top, place, count, isChosen, skipped, isHere, onChoose }: EventRowProps) {
  return (
    <div
      id={id}
      role="option"
      aria-selected={isChosen}
      aria-current={isHere ? "true" : undefined}
      aria-posinset={place}
      aria-setsize={count}
      onClick={(click) => onChoose(click.shiftKey)}
      style={{ height: ROW, transform: `translateY(${top}px)` }}
      className={clsx(
        "absolute inset-x-0 top-0 flex cursor-default items-center gap-2 px-3 whitespace-nowrap",
        isChosen ? "bg-accent/15" : "hover:bg-raised",
        isHere && "border-b-2 border-warn",
      )}
    >
      <span className="w-12 shrink-0 text-right text-muted tabular-nums">{event.seq}</span>
      <time dateTime={event.at} className="shrink-0 text-muted tabular-nums">
        {clockText(event.at)}
      </time>
      <span className={clsx("shrink-0 font-medium", toneOf(event.type))}>{shortType(event.type)}</span>
      {skipped > 0 && (
        <span
          className="shrink-0 rounded bg-raised px-1 text-muted"
          title={`Stands for ${event.from} to ${event.seq}, which are not kept each by itself`}
        >
          +{skipped}
        </span>
      )}
      <span className="min-w-0 flex-1 truncate text-muted" dir="auto">
        {eventSummary(event)}
      </span>
    </div>
  );
}

/** Only the hour: the day is in the details. */
function clockText(at: string): string {
  return /T(\d\d:\d\d:\d\d)/.exec(toLocal(at))?.[1] ?? "";
}

function toLocal(at: string): string {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? "" : new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString();
}

function toneOf(type: string): string {
  if (type === "error") return "text-bad";
  if (type.startsWith("session:turn") || type === "session:rewound") return "text-accent";
  if (type.startsWith("session:ask")) return "text-warn";
  if (type.startsWith("session:file")) return "text-good";
  return "";
}
