import {
  ClientId,
  FileEntry,
  fromZodError,
  Id,
  parseEvent,
  PersistedSessionListData,
  RuntimeError,
  Seq,
  Sha256,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";
import type { BlobChunk, RunnerCursor, StoredEvent, StoredMessage, StoredSandbox } from "./session-store.ts";

/** Version of the lines below; a newer one is refused. */
const FORMAT = 1;

const Cursor = z.object({ generation: z.number().int(), n: z.number().int() });
const Sandbox = z.object({
  provider: z.string(),
  generation: z.number().int(),
  ref: z.unknown(),
  token: z.string(),
  started: z.boolean(),
  tag: z.string().optional(),
  profileVersion: z.string().optional(),
  place: z.string().optional(),
});

/** What a session is beside its log. */
export interface LinesHeader {
  readonly record?: PersistedSessionListData;
  readonly logId: string;
  /** Nothing was seen of the log that these lines do not have. */
  readonly closed: boolean;
  readonly compactedTo?: number;
  readonly cursor?: RunnerCursor | null;
  readonly generation?: number;
  readonly nativeSessionId?: string | null;
  readonly sandbox?: StoredSandbox | null;
}

const Header = z.object({
  format: z.number().int(),
  record: PersistedSessionListData.optional(),
  logId: Id,
  closed: z.boolean(),
  compactedTo: Seq.optional(),
  cursor: Cursor.nullish(),
  generation: z.number().int().nonnegative().optional(),
  nativeSessionId: z.string().nullish(),
  sandbox: Sandbox.nullish(),
});
const Event = z.looseObject({ seq: Seq.positive(), from: Seq.positive().optional() });
const Message = z.object({
  messageId: ClientId,
  idempotencyKey: ClientId.optional(),
  contentHash: z.string(),
  position: z.number().int().positive().optional(),
});
const Blob = z.object({ sha256: Sha256, offset: Seq, total: Seq, base64: z.base64() });
const Line = z.union([
  z.object({ session: Header }),
  z.object({ event: Event }),
  z.object({ message: Message }),
  z.object({ transcript: z.object({ key: z.string(), line: z.string() }) }),
  z.object({ blob: Blob }),
  z.object({ file: FileEntry }),
  z.object({ end: z.object({ lines: z.number().int() }) }),
]);

/** A line, understood. */
export type SessionLine =
  | { readonly kind: "session"; readonly header: LinesHeader }
  | { readonly kind: "event"; readonly event: StoredEvent }
  | { readonly kind: "message"; readonly message: StoredMessage }
  | { readonly kind: "transcript"; readonly key: string; readonly line: string }
  | { readonly kind: "blob"; readonly chunk: BlobChunk }
  | { readonly kind: "file"; readonly file: FileEntry }
  | { readonly kind: "end"; readonly lines: number };

/** A session as text is an object a line; these write one each, with its line end. */
export const lineOf = {
  header: (header: LinesHeader): string => line({ session: { format: FORMAT, ...header } }),
  event: (eventJson: string): string => `{"event":${eventJson}}\n`,
  message: (message: StoredMessage): string => line({ message }),
  transcript: ({ key, lines }: { key: string; lines: readonly string[] }): string =>
    lines.map((text) => line({ transcript: { key, line: text } })).join(""),
  blob: ({ sha256, offset, total, bytes }: BlobChunk): string =>
    line({ blob: { sha256, offset, total, base64: Buffer.from(bytes).toString("base64") } }),
  file: (file: FileEntry): string => line({ file }),
  end: (lines: number): string => line({ end: { lines } }),
};

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/**
 * Reads one line (without its end). Throws a `RuntimeError` (`invalid_request`) that says where and what is wrong;
 * `where` is such as "line 7". An event of a type that only newer versions know is refused too.
 */
export function parseLine(text: string, where: string): SessionLine {
  const parsed = Line.safeParse(jsonOf(text, where));
  if (!parsed.success) throw fromZodError(parsed.error, where);
  const value = parsed.data;
  if ("session" in value) return { kind: "session", header: checkedHeader(value.session, where) };
  if ("event" in value) return { kind: "event", event: checkedEvent(value.event, where) };
  if ("message" in value) {
    const { idempotencyKey, position, ...message } = value.message;
    return {
      kind: "message",
      message: {
        ...message,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        ...(position === undefined ? {} : { position }),
      },
    };
  }
  if ("transcript" in value) return { kind: "transcript", ...value.transcript };
  if ("blob" in value) {
    const { base64, ...chunk } = value.blob;
    return { kind: "blob", chunk: { ...chunk, bytes: Buffer.from(base64, "base64") } };
  }
  if ("file" in value) return { kind: "file", file: value.file };
  return { kind: "end", lines: value.end.lines };
}

function jsonOf(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RuntimeError("invalid_request", `${where}: is not JSON`, { field: where, cause });
  }
}

function checkedHeader(header: z.infer<typeof Header>, where: string): LinesHeader {
  const { format, ...rest } = header;
  if (format === FORMAT) return rest;
  const message = `${where}: has the format ${format}, and this version reads ${FORMAT}. A newer version of Agent Runtime reads it.`;
  throw new RuntimeError("invalid_request", message, { field: where });
}

function checkedEvent(value: z.infer<typeof Event>, where: string): StoredEvent {
  const { from, ...rest } = value;
  let event: ReturnType<typeof parseEvent>;
  try {
    event = parseEvent(rest);
  } catch (error) {
    if (error instanceof z.ZodError) throw fromZodError(error, where);
    throw error;
  }
  if (event !== null) return from === undefined || from >= event.seq ? event : { ...event, from };
  const message = `${where}: has an event of the type ${String(rest.type)}, which this version does not know.`;
  throw new RuntimeError("invalid_request", message, { field: where });
}
