import { structuredPatch } from "diff";
import { clsx } from "clsx";
import { useMemo } from "react";

/** Milliseconds after which two texts are too different to be compared here. */
const PATIENCE_MS = 2000;
const MOST_LINES = 5000;

/** What became of a text, line by line. */
export function FileDiff({ before, after }: { readonly before: string; readonly after: string }) {
  const hunks = useMemo(
    () => structuredPatch("", "", before, after, "", "", { context: 3, timeout: PATIENCE_MS })?.hunks,
    [before, after],
  );
  if (hunks === undefined) return <p className="p-3 text-muted">Too much is different to be compared line by line.</p>;
  if (hunks.length === 0) return <p className="p-3 text-muted">The same as at the start.</p>;
  let left = MOST_LINES;
  return (
    <table className="w-full border-collapse font-mono text-xs" aria-label="Difference from the start">
      <tbody>
        {hunks.map((hunk, index) => {
          const lines = numbered(hunk.lines, hunk.oldStart, hunk.newStart).slice(0, Math.max(0, left));
          left -= lines.length;
          return <HunkRows key={`${hunk.oldStart} ${hunk.newStart}`} lines={lines} isFirst={index === 0} />;
        })}
      </tbody>
      {left <= 0 && <caption className="caption-bottom p-2 text-muted">Only the first {MOST_LINES} lines.</caption>}
    </table>
  );
}

interface Line {
  readonly sign: string;
  readonly text: string;
  readonly old: number | undefined;
  readonly new: number | undefined;
}

function numbered(lines: readonly string[], oldStart: number, newStart: number): readonly Line[] {
  let [old, fresh] = [oldStart, newStart];
  return lines.map((line) => {
    const sign = line[0] ?? " ";
    const counted = {
      sign,
      text: line.slice(1),
      old: sign === "-" || sign === " " ? old : undefined,
      new: sign === "+" || sign === " " ? fresh : undefined,
    };
    if (sign === "-" || sign === " ") old += 1;
    if (sign === "+" || sign === " ") fresh += 1;
    return counted;
  });
}

const WORDS: Readonly<Record<string, string>> = { "+": "added", "-": "removed" };

function HunkRows({ lines, isFirst }: { readonly lines: readonly Line[]; readonly isFirst: boolean }) {
  return (
    <>
      {!isFirst && (
        <tr aria-hidden>
          <td colSpan={3} className="bg-raised px-3 text-center text-muted select-none">
            ⋯
          </td>
        </tr>
      )}
      {lines.map(({ sign, text, old, new: fresh }) => (
        <tr
          key={`${sign}${old ?? ""} ${fresh ?? ""}`}
          className={clsx(sign === "+" && "bg-good/15", sign === "-" && "bg-bad/15")}
        >
          <td className="w-10 pr-2 text-right align-top text-muted tabular-nums select-none">{fresh ?? old}</td>
          <td className="w-4 align-top select-none">
            <span aria-hidden>{sign === "\\" ? "" : sign}</span>
            {WORDS[sign] !== undefined && <span className="sr-only">{WORDS[sign]}</span>}
          </td>
          <td className="pr-3 break-all whitespace-pre-wrap">{text}</td>
        </tr>
      ))}
    </>
  );
}
