import type { AttachmentTarget, MessageMode, ResultSchema } from "@hhopkins/agent-runtime-protocol";

/** A file of a message. Pictures and PDFs are for the model, others for the workspace, unless `to` says more. */
export interface OutgoingAttachment {
  /** By default the one that a `File` has. */
  readonly name?: string;
  readonly data: Blob | Uint8Array<ArrayBuffer>;
  /** By default the type of a `Blob`. */
  readonly mediaType?: string;
  readonly to?: AttachmentTarget;
}

export interface SendMessageOptions {
  readonly messageId?: string;
  readonly mode?: MessageMode;
  readonly attachments?: readonly OutgoingAttachment[];
  /** JSON Schema (draft 7) of an object: the turn results in one, in the state's `lastTurn.result`. */
  readonly resultSchema?: ResultSchema;
}

/** A message as its request carries it: JSON, or a form where it has files. */
export function messageBody(
  content: string,
  { attachments = [], ...more }: SendMessageOptions,
): { json: unknown } | { form: FormData } {
  if (attachments.length === 0) return { json: { content, ...more } };
  const form = new FormData();
  for (const [name, value] of Object.entries({ content, ...more }))
    if (value !== undefined) form.append(name, typeof value === "string" ? value : JSON.stringify(value));
  for (const attachment of attachments) form.append(attachment.to ?? "files", fileOf(attachment));
  return { form };
}

function fileOf({ name, data, mediaType }: OutgoingAttachment): File {
  const [given, type] = data instanceof Blob ? [data instanceof File ? data.name : undefined, data.type] : [];
  return new File([data], name ?? given ?? "file", { type: mediaType ?? type ?? "" });
}
