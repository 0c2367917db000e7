import { DEFERRED_CALL } from "./asks/deferred-call.ts";

/**
 * In its transcript the harness keeps the system prompt and the tools that it began with, and goes on with them whatever
 * it is told later. A new sandbox is started with a profile that may be another one by then.
 */
const RECORDS = new Set(["prompt_snapshot", "prompt_render_point", "deferred_tools_record", "tool_offer_record"]);
const CALLS = new Set([DEFERRED_CALL]);
const PARENT = /"parentUuid":"([^"]+)"/;

interface Line {
  readonly uuid?: unknown;
  readonly parentUuid?: unknown;
  readonly attachment?: { readonly type?: unknown };
}

/** The lines without those records; what followed one follows what came before it. */
export function withoutPromptRecords(lines: readonly string[]): string[] {
  return withoutRecords(lines, RECORDS);
}

/** The lines without calls that were put off: a harness that is started on one makes it. */
export function withoutDeferredCalls(lines: readonly string[]): string[] {
  return lines.some((line) => line.includes(DEFERRED_CALL)) ? withoutRecords(lines, CALLS) : [...lines];
}

function withoutRecords(lines: readonly string[], types: ReadonlySet<string>): string[] {
  const parents = new Map<string, string | null>();
  const kept: string[] = [];
  for (const line of lines) {
    const record = recordIn(line, types);
    if (record === null) kept.push(withParent(line, parents));
    else parents.set(record.uuid, record.parent);
  }
  return kept;
}

function recordIn(line: string, types: ReadonlySet<string>): { uuid: string; parent: string | null } | null {
  if (!line.includes('"attachment"') || ![...types].some((type) => line.includes(type))) return null;
  const { uuid, parentUuid, attachment } = parsed(line);
  if (typeof uuid !== "string" || !types.has(String(attachment?.type))) return null;
  return { uuid, parent: typeof parentUuid === "string" ? parentUuid : null };
}

function withParent(line: string, parents: ReadonlyMap<string, string | null>): string {
  const [, named] = PARENT.exec(line) ?? [];
  if (named === undefined || !parents.has(named)) return line;
  const entry = parsed(line);
  if (entry.parentUuid !== named) return line;
  let parent: string | null = named;
  while (parent !== null && parents.has(parent)) parent = parents.get(parent) ?? null;
  return JSON.stringify({ ...entry, parentUuid: parent });
}

/** Empty where it is no JSON: the harness is told of that elsewhere. */
function parsed(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return {};
  }
}
