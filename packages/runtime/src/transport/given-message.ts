import { RuntimeError, type AttachmentInput, type SendMessageBody } from "@hhopkins/agent-runtime-protocol";
import type { GivenAttachment } from "../session/attachments.ts";
import type { SentMessage } from "../session/sent-message.ts";

/** A message with the bytes that it says in base64. Throws `invalid_request` where they are not. */
export function givenMessage({ attachments, ...message }: SendMessageBody): SentMessage {
  return attachments === undefined ? message : { ...message, attachments: attachments.map(givenAttachment) };
}

function givenAttachment({ name, mediaType, to, data }: AttachmentInput, index: number): GivenAttachment {
  const bytes = Buffer.from(data, "base64");
  // Node skips what is not base64.
  if (bytes.toString("base64").replace(/=+$/, "") !== data.replace(/=+$/, "")) {
    const field = `body.attachments.${index}.data`;
    throw new RuntimeError("invalid_request", `${field}: must be base64, without line ends`, { field });
  }
  return { name, mediaType, to, bytes };
}
