import { RuntimeError, type SendMessageBody } from "@hhopkins/agent-runtime-protocol";
import { assertResultSchema } from "../results/result-schema.ts";
import { incomingAttachments, type GivenAttachment } from "./attachments.ts";
import type { IncomingMessage } from "./message-queue.ts";

/** A message as a transport has it: with the bytes of what it comes with. */
export type SentMessage = Omit<SendMessageBody, "attachments"> & {
  readonly idempotencyKey?: string;
  readonly attachments?: readonly GivenAttachment[];
};

/** Checks what only the whole message tells. Throws `invalid_request`. */
export function incomingMessage({ attachments = [], ...message }: SentMessage): IncomingMessage {
  const { resultSchema, mode } = message;
  if (resultSchema !== undefined && mode === "steer") {
    const remedy = "Leave out `mode` to have a turn of its own.";
    const why = "a message for a turn that runs cannot say what it is to result in";
    throw new RuntimeError("invalid_request", `body.resultSchema: ${why}. ${remedy}`, { field: "body.resultSchema" });
  }
  if (resultSchema !== undefined) assertResultSchema(resultSchema, "body.resultSchema");
  if (attachments.length === 0) return message;
  return { ...message, attachments: incomingAttachments(attachments) };
}
