import { structuredPatch } from "diff";

export interface DiffLine {
  readonly kind: "same" | "added" | "removed" | "gap";
  readonly text: string;
  /** From 1; absent where the line is not on that side. */
  readonly before?: number;
  readonly after?: number;
}

/** Lines beside a change that are shown too. */
const CONTEXT = 3;
/** What is compared: two texts that have more differences are shown one after the other. */
const LIMITS = { maxEditLength: 4000, timeout: 300 } as const;

/** What changed between two texts, line by line. */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const patch = structuredPatch("", "", before, after, "", "", { context: CONTEXT, ...LIMITS });
  if (patch === undefined) return [...whole("removed", before), ...whole("added", after)];
  return patch.hunks.flatMap(({ oldStart, newStart, lines }, index) => [
    ...(index === 0 ? [] : [{ kind: "gap", text: "" } as const]),
    ...hunk(lines, { before: oldStart, after: newStart }),
  ]);
}

function hunk(lines: readonly string[], start: { readonly before: number; readonly after: number }): DiffLine[] {
  let { before, after } = start;
  return lines.flatMap((line): DiffLine[] => {
    const text = line.slice(1);
    if (line.startsWith("+")) return [{ kind: "added", text, after: after++ }];
    if (line.startsWith("-")) return [{ kind: "removed", text, before: before++ }];
    // `\ No newline at end of file`
    if (line.startsWith("\\")) return [];
    return [{ kind: "same", text, before: before++, after: after++ }];
  });
}

function whole(kind: "added" | "removed", text: string): DiffLine[] {
  const side = kind === "added" ? "after" : "before";
  return text.split("\n").map((line, index) => ({ kind, text: line, [side]: index + 1 }));
}
