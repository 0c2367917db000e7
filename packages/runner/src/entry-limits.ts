import { MAX_CONTENT_CHARS, MAX_LINE_BYTES, encodeLine } from "@hhopkins/agent-runtime-protocol";
import type { EntryBody } from "@hhopkins/agent-runtime-protocol";

/** Room for the frame around a body: its type and number. */
const FRAME_BYTES = 100;
const TRANSCRIPT_CHARS = MAX_CONTENT_CHARS / 2;

/**
 * What `body` becomes so that every line fits on the wire: long deltas and transcripts are split, strings of blocks
 * above `MAX_CONTENT_CHARS` are cut and the block marked `truncated`. Empty where nothing can be sent.
 */
export function fitEntry(body: EntryBody): EntryBody[] {
  switch (body.kind) {
    case "block:delta":
      return pieces(body.delta).map((delta) => ({ ...body, delta }));
    case "transcript":
      return batches(body.lines).map((lines) => ({ ...body, lines }));
    case "block:start":
    case "block:complete":
      return cutToFit(body, (limit) => {
        const { value, cut } = cutStrings(body.block, limit);
        return cut ? { ...body, block: { ...value, truncated: true } } : body;
      });
    case "block:update":
      return cutToFit(body, (limit) => {
        const { value, cut } = cutStrings(body.updates, limit);
        return cut ? { ...body, updates: { ...value, truncated: true } } : body;
      });
    case "subagent:completed":
    case "subagent:discovered":
    case "message:taken":
    case "ask:opened":
    case "ask:withdrawn":
    case "turn:deferred":
    case "turn:ended":
      return cutToFit(body, (limit) => cutStrings(body, limit).value);
    case "blob":
    case "file:changed":
    case "file:deleted":
    case "usage":
    case "subagent:usage":
    case "harness:ready":
    // Its input is bounded, and would be another one if it were cut.
    case "host-tool:called":
    case "host-tool:cancelled":
      return [body];
    default:
      return body satisfies never;
  }
}

function fits(body: EntryBody): boolean {
  return Buffer.byteLength(encodeLine(body)) <= MAX_LINE_BYTES - FRAME_BYTES;
}

/** A character can take six bytes in JSON, and a block can have many strings: lowers the limit until the line fits. */
function cutToFit(body: EntryBody, cutTo: (limit: number) => EntryBody): EntryBody[] {
  for (let limit = MAX_CONTENT_CHARS; limit >= 1_024; limit /= 4) {
    const cut = cutTo(limit);
    if (fits(cut)) return [cut];
  }
  if (body.kind === "block:start" || body.kind === "block:complete") {
    const { block } = body;
    // Not its strings but its shape is too large: only a tool's input can be so.
    if (block.type === "tool_use" && Object.keys(block.input).length > 0) {
      return fitEntry({ ...body, block: { ...block, input: {}, truncated: true } });
    }
  }
  return [];
}

/** A copy of `value` whose strings have at most `limit` characters. */
function cutStrings<T>(value: T, limit: number): { value: T; cut: boolean } {
  let cut = false;
  function walk(part: unknown): unknown {
    if (typeof part === "string") {
      if (part.length <= limit) return part;
      cut = true;
      return part.slice(0, boundary(part, limit));
    }
    if (Array.isArray(part)) return part.map(walk);
    if (part === null || typeof part !== "object") return part;
    return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, walk(item)]));
  }
  const copy = walk(value) as T;
  return { value: cut ? copy : value, cut };
}

/** `at`, or one less where it would split a surrogate pair. */
function boundary(text: string, at: number): number {
  const code = text.charCodeAt(at - 1);
  return at > 1 && code >= 0xd800 && code <= 0xdbff ? at - 1 : at;
}

function pieces(text: string): string[] {
  // Half of the limit, so that even a delta of control characters fits on a line.
  const limit = MAX_CONTENT_CHARS / 2;
  const parts: string[] = [];
  let from = 0;
  while (text.length - from > limit) {
    const end = from + boundary(text.slice(from, from + limit), limit);
    parts.push(text.slice(from, end));
    from = end;
  }
  parts.push(text.slice(from));
  return parts;
}

/** Groups of whole lines. A line that fits nowhere is left out: half of a JSON line is worth nothing. */
function batches(lines: readonly string[]): string[][] {
  const groups: string[][] = [];
  let group: string[] = [];
  let size = 0;
  for (const line of lines) {
    const bytes = Buffer.byteLength(JSON.stringify(line));
    if (bytes > MAX_LINE_BYTES - 1_000) continue;
    if (group.length > 0 && size + bytes > TRANSCRIPT_CHARS) {
      groups.push(group);
      group = [];
      size = 0;
    }
    group.push(line);
    size += bytes;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
