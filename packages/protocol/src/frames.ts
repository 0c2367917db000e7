import { z } from "zod";
import { AskAnswer } from "./asks.ts";
import { Id, Seq, Timestamp } from "./primitives.ts";
import { SendMessageBody } from "./rest.ts";

const FrameId = z.union([z.string().max(128), z.number()]);
const Join = z.strictObject({
  sessionId: Id,
  after: Seq.optional(),
  logId: z.string().max(128).optional(),
  /** Only what belongs to this conversation: `"main"` or a subagent's id. */
  conversation: Id.optional(),
});

/** Frames that a client sends: `{ id?, event, data? }`. With an `id` each is answered by an ack. */
export const ClientFrame = z.discriminatedUnion("event", [
  z.strictObject({ id: FrameId.optional(), event: z.literal("session:join"), data: Join }),
  z.strictObject({
    id: FrameId.optional(),
    event: z.literal("session:leave"),
    data: z.strictObject({ sessionId: Id }),
  }),
  z.strictObject({ id: FrameId.optional(), event: z.literal("sessions:watch"), data: z.strictObject({}).optional() }),
  z.strictObject({ id: FrameId.optional(), event: z.literal("ping"), data: z.strictObject({}).optional() }),
  z.strictObject({
    id: FrameId.optional(),
    event: z.literal("session:message"),
    data: SendMessageBody.extend({ sessionId: Id }),
  }),
  z.strictObject({
    id: FrameId.optional(),
    event: z.literal("session:interrupt"),
    data: z.strictObject({ sessionId: Id }),
  }),
  z.strictObject({
    id: FrameId.optional(),
    event: z.literal("session:answer"),
    data: z.strictObject({ sessionId: Id, askId: Id, answer: AskAnswer }),
  }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

/** Answer to a client's frame with an id. `data.error` is a code, `data.message` says more. */
export const AckFrame = z.object({
  ack: FrameId,
  data: z.looseObject({ success: z.boolean(), error: z.string().optional(), message: z.string().optional() }),
});
export type AckFrame = z.infer<typeof AckFrame>;

/** An event of a log, or (without `seq`) something about the connection. `from` where it covers more than its own seq. */
export const EventFrame = z.object({
  event: z.string(),
  data: z.looseObject({ sessionId: Id.optional() }),
  seq: Seq.optional(),
  from: Seq.optional(),
  at: Timestamp.optional(),
});
export type EventFrame = z.infer<typeof EventFrame>;

export const ServerFrame = z.union([AckFrame, EventFrame]);
export type ServerFrame = z.infer<typeof ServerFrame>;

/** Why a cursor could not be served. */
export const ResyncReason = z.enum(["log_replaced", "cursor_ahead", "cursor_too_old"]);
export type ResyncReason = z.infer<typeof ResyncReason>;

/** Frames that are not of the log and have no seq. */
export const controlData = {
  "session:resync": z.object({ sessionId: Id, reason: ResyncReason, lastSeq: Seq, logId: z.string() }),
  pong: z.object({}),
  error: z.object({ code: z.string(), message: z.string() }),
  "sessions:updated": z.object({ session: z.looseObject({ sessionId: Id }) }),
  "sessions:removed": z.object({ sessionId: Id }),
} as const;
