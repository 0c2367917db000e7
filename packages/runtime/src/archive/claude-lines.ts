import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";

const Part = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  thinking: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.record(z.string(), z.unknown()).optional(),
  tool_use_id: z.string().optional(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() }))]).optional(),
  is_error: z.boolean().nullish(),
});
export type ClaudePart = z.infer<typeof Part>;

const Tokens = z.number().int().nonnegative().nullish();
const Message = z.looseObject({
  id: z.string().optional(),
  model: z.string().optional(),
  content: z.union([z.string(), z.array(Part)]),
  usage: z
    .looseObject({
      input_tokens: Tokens,
      output_tokens: Tokens,
      cache_read_input_tokens: Tokens,
      cache_creation_input_tokens: Tokens,
    })
    .optional(),
});

/** What we read of a line of Claude Code's transcript; every other field stays in the line. */
const Line = z.looseObject({
  type: z.string(),
  uuid: z.string().optional(),
  parentUuid: z.string().nullish(),
  /** What came before a compaction. */
  logicalParentUuid: z.string().nullish(),
  sessionId: z.string().optional(),
  timestamp: z.string().optional(),
  isSidechain: z.boolean().optional(),
  isMeta: z.boolean().optional(),
  isCompactSummary: z.boolean().optional(),
  summary: z.string().optional(),
});

/** A line with a message of the user's, a tool's or the model's. */
export interface ClaudeMessage {
  readonly uuid: string;
  readonly role: "user" | "assistant";
  readonly timestamp: string;
  readonly message: z.infer<typeof Message>;
  /** The harness wrote it for the model, nobody for a person. */
  readonly isHidden: boolean;
}

export interface ClaudeTranscript {
  readonly sessionId: string;
  readonly title?: string;
  /** The main conversation, oldest first: the branch that was left last. */
  readonly messages: readonly ClaudeMessage[];
  /** All lines, as they came. */
  readonly lines: readonly string[];
}

type Known = z.infer<typeof Line> & { readonly uuid: string };

/**
 * Reads a transcript of Claude Code (a JSONL file below `~/.claude/projects`). Rejects with `invalid_request` that
 * names the line; kinds of lines that it does not know are kept for the harness and shown to nobody.
 */
export async function readClaudeTranscript(source: AsyncIterable<string>): Promise<ClaudeTranscript> {
  const lines: string[] = [];
  const known = new Map<string, Known>();
  const messages = new Map<string, ClaudeMessage>();
  let last: string | undefined;
  let sessionId: string | undefined;
  let title: string | undefined;
  for await (const text of source) {
    lines.push(text);
    const where = `line ${lines.length}`;
    const line = parsed(Line, jsonOf(text, where), where);
    sessionId ??= line.sessionId;
    if (line.type === "summary") title = line.summary;
    const { uuid } = line;
    if (uuid === undefined || line.isSidechain === true) continue;
    known.set(uuid, { ...line, uuid });
    last = uuid;
    if (line.type === "user" || line.type === "assistant") messages.set(uuid, messageOf({ ...line, uuid }, where));
  }
  if (sessionId === undefined || messages.size === 0 || last === undefined)
    throw new RuntimeError(
      "invalid_request",
      "body: is neither an archive of a session nor a transcript of Claude Code",
      { field: "body" },
    );
  const branch = branchTo(last, known).flatMap((uuid) => messages.get(uuid) ?? []);
  return { sessionId, ...(title === undefined ? {} : { title }), messages: branch, lines };
}

/** Every line names the one before it; what was tried and left has no way to the last one. */
function branchTo(last: string, known: ReadonlyMap<string, Known>): string[] {
  const branch: string[] = [];
  const seen = new Set<string>();
  for (let at: string | null | undefined = last; typeof at === "string" && !seen.has(at);) {
    seen.add(at);
    branch.push(at);
    const line: Known | undefined = known.get(at);
    at = line?.parentUuid ?? line?.logicalParentUuid;
  }
  return branch.toReversed();
}

function messageOf(line: Known, where: string): ClaudeMessage {
  const { uuid, type, timestamp, isMeta, isCompactSummary } = line;
  return {
    uuid,
    role: type === "user" ? "user" : "assistant",
    timestamp: timeOf(timestamp),
    message: parsed(Message, line.message, `${where}.message`),
    isHidden: isMeta === true || isCompactSummary === true,
  };
}

function timeOf(text: string | undefined): string {
  const at = text === undefined ? Number.NaN : Date.parse(text);
  return new Date(Number.isNaN(at) ? 0 : at).toISOString();
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = [where, ...(issue?.path ?? [])].join(".");
  throw new RuntimeError("invalid_request", `${field}: ${issue?.message ?? "is wrong"}`, { field });
}

function jsonOf(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RuntimeError("invalid_request", `${where}: is not JSON`, { field: where, cause });
  }
}
