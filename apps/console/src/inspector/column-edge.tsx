import { useState } from "react";
import type { KeyboardEvent, PointerEvent } from "react";

const KEPT_AS = "agent-runtime.inspector-width";
const [LEAST, MOST, USUAL] = [320, 900, 440];
const STEP = 24;

/** How wide the inspector is, in pixels; kept for the next visit. */
export function useColumnWidth(): [number, (width: number) => void] {
  const [width, setWidth] = useState(readWidth);
  const change = (next: number): void => {
    const bounded = Math.min(MOST, Math.max(LEAST, Math.round(next)));
    setWidth(bounded);
    keepWidth(bounded);
  };
  return [width, change];
}

export interface ColumnEdgeProps {
  readonly width: number;
  readonly onChange: (width: number) => void;
}

/** The left edge of a column at the right, to be dragged or moved by arrow keys. */
export function ColumnEdge({ width, onChange }: ColumnEdgeProps) {
  const drag = (event: PointerEvent<HTMLDivElement>): void => {
    if (event.currentTarget.hasPointerCapture(event.pointerId))
      onChange((event.currentTarget.parentElement?.getBoundingClientRect().right ?? 0) - event.clientX);
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === "ArrowLeft") onChange(width + STEP);
    if (event.key === "ArrowRight") onChange(width - STEP);
  };
  return (
    <div
      role="separator"
      aria-label="Width of the inspector"
      aria-orientation="vertical"
      aria-valuenow={width}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={press}
      className="absolute inset-y-0 -left-1 z-10 w-2 cursor-col-resize touch-none hover:bg-accent/30"
    />
  );
}

function readWidth(): number {
  try {
    const kept = Number(localStorage.getItem(KEPT_AS));
    return kept >= LEAST && kept <= MOST ? kept : USUAL;
  } catch {
    return USUAL;
  }
}

function keepWidth(width: number): void {
  try {
    localStorage.setItem(KEPT_AS, String(width));
  } catch {
    // It lasts as long as the page.
  }
}
