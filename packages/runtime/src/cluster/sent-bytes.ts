/** What a message comes with, as it travels between nodes: the bytes in pieces, and then the message with their names. */
import {
  AttachmentName,
  AttachmentTarget,
  BLOB_CHUNK_BYTES,
  MediaType,
  Sha256,
} from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";

/** A file whose bytes are kept, of a message that is not. */
export const IncomingAttachment = z.strictObject({
  name: AttachmentName,
  mediaType: MediaType,
  size: z.number().int().nonnegative(),
  sha256: Sha256,
  to: AttachmentTarget,
});
export type IncomingAttachment = z.infer<typeof IncomingAttachment>;

/** Some bytes of a blob. */
export const BytesPiece = z.strictObject({
  sha256: Sha256,
  offset: z.number().int().nonnegative(),
  total: z.number().int().nonnegative(),
  data: z.string().max(Math.ceil(BLOB_CHUNK_BYTES / 3) * 4),
});
export type BytesPiece = z.infer<typeof BytesPiece>;
