import { clsx } from "clsx";
import { useMemo } from "react";
import { diffLines, type DiffLine } from "./diff-lines.ts";

export interface DiffViewProps {
  readonly before: string;
  readonly after: string;
  /** Numbers of lines, where the texts are whole files. */
  readonly hasNumbers?: boolean;
  /** Lines that are shown; the rest is counted. */
  readonly most?: number;
}

const LOOKS = {
  same: "",
  gap: "bg-raised text-muted",
  added: "bg-good/10",
  removed: "bg-bad/10",
} as const;
const SIGNS = { same: " ", gap: "⋯", added: "+", removed: "−" } as const;
/** Longer lines are cut: nobody compares them by eye. */
const LONGEST = 2000;

/** Two texts, by what changed from one to the other. */
export function DiffView({ before, after, hasNumbers = false, most = 2000 }: DiffViewProps) {
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  const shown = lines.slice(0, most);
  if (lines.length === 0) return <p className="px-3 py-2 text-muted">Nothing changed.</p>;
  return (
    <div
      role="region"
      aria-label="Changes"
      tabIndex={0}
      dir="ltr"
      className="overflow-x-auto font-mono text-[0.8125rem] leading-5"
    >
      <div className="w-max min-w-full py-1">
        {shown.map((line, index) => (
          <Line key={index} line={line} hasNumbers={hasNumbers} />
        ))}
        {lines.length > shown.length && (
          <p className="px-3 text-muted">{lines.length - shown.length} more lines are not shown.</p>
        )}
      </div>
    </div>
  );
}

function Line({ line, hasNumbers }: { readonly line: DiffLine; readonly hasNumbers: boolean }) {
  const { kind, text, before, after } = line;
  const Tag = kind === "added" ? "ins" : kind === "removed" ? "del" : "div";
  return (
    <Tag className={clsx("flex whitespace-pre no-underline", LOOKS[kind])}>
      {hasNumbers && (
        <>
          <Number value={before} />
          <Number value={after} />
        </>
      )}
      <span
        aria-hidden
        className={clsx(
          "w-6 shrink-0 text-center select-none",
          kind === "added" && "text-good",
          kind === "removed" && "text-bad",
        )}
      >
        {SIGNS[kind]}
      </span>
      <span className="pr-3">{text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}</span>
    </Tag>
  );
}

function Number({ value }: { readonly value: number | undefined }) {
  return (
    <span aria-hidden className="w-10 shrink-0 pr-2 text-right text-muted select-none">
      {value}
    </span>
  );
}
