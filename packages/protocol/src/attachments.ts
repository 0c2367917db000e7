import { z } from "zod";
import { Sha256, WorkspacePath } from "./primitives.ts";

/** Of one message. */
export const MAX_ATTACHMENTS = 20;
/** Longest name of an attachment, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 200;

function nameProblem(name: string): string | null {
  if (name === "") return "must not be empty";
  if (name === "." || name === "..") return "must be the name of a file";
  if (/[/\\]/.test(name)) return "must be the name of a file, without / and \\";
  if (/[\p{Cc}\p{Cs}]/u.test(name)) return "must not contain control characters or halves of characters";
  if (encodeURIComponent(name).replace(/%../g, ".").length > MAX_NAME_BYTES)
    return `must have at most ${MAX_NAME_BYTES} bytes`;
  return null;
}

/** Name of an attached file: a part of a path, and never a path. */
export const AttachmentName = z.string().superRefine((name, context) => {
  const problem = nameProblem(name);
  if (problem !== null) context.addIssue({ code: "custom", message: problem });
});

export const MediaType = z
  .string()
  .max(127)
  .regex(/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/, "must be a media type, e.g. image/png");

/** Whom an attachment is for: a file in the workspace, or what the model sees with the message. */
export const AttachmentTarget = z.enum(["workspace", "model"]);
export type AttachmentTarget = z.infer<typeof AttachmentTarget>;

/** Media types that can go to the model; they go there unless the workspace is asked for. */
export const MODEL_MEDIA_TYPES: readonly string[] = [
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "application/pdf",
];

/** A file that a message comes with. */
export const AttachmentInput = z.strictObject({
  name: AttachmentName,
  mediaType: MediaType,
  /** Its bytes, in base64. */
  data: z.string(),
  to: AttachmentTarget.optional(),
});
export type AttachmentInput = z.infer<typeof AttachmentInput>;

/** An attached file without its bytes; they are kept with the session. */
export const Attachment = z.object({
  name: AttachmentName,
  mediaType: MediaType,
  /** Bytes. */
  size: z.number().int().nonnegative(),
  sha256: Sha256,
  /** Where it is laid into the workspace; absent: the model sees it. */
  path: WorkspacePath.optional(),
});
export type Attachment = z.infer<typeof Attachment>;

export const Attachments = z.array(Attachment).max(MAX_ATTACHMENTS);
