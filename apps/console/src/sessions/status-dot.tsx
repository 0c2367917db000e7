import { clsx } from "clsx";
import type { ListedStatus } from "./session-status.ts";

const COLOURS = { plain: "bg-muted/50", accent: "bg-accent", good: "bg-good", warn: "bg-warn", bad: "bg-bad" } as const;

/** A status as a dot; the words stand beside it. Hollow: asleep; a square: it needs a person. */
export function StatusDot({ status: { kind, tone } }: { readonly status: ListedStatus }) {
  return (
    <span
      aria-hidden
      className={clsx(
        "size-2 shrink-0",
        kind === "waiting" || tone === "bad" ? "rotate-45 rounded-[1px]" : "rounded-full",
        kind === "asleep" ? "border border-muted" : COLOURS[tone],
        kind === "running" && "animate-pulse",
      )}
    />
  );
}
