/** What messages come with: checked and named at the door, kept as blobs, given to the runner before their message. */
import {
  BLOB_CHUNK_BYTES,
  MODEL_MEDIA_TYPES,
  RuntimeError,
  type Attachment,
  type AttachmentTarget,
  type EventDraft,
  type TurnMessage,
} from "@hhopkins/agent-runtime-protocol";
import type { BytesPiece, IncomingAttachment } from "../cluster/sent-bytes.ts";
import type { LogWrite } from "../log/session-log.ts";
import type { SessionKey, SessionStore } from "../persistence/session-store.ts";
import { sha256 } from "./entry-translation.ts";
import type { RunnerLink } from "./runner-link.ts";

/** A file as a client gave it. */
export interface GivenAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly to?: AttachmentTarget | undefined;
  readonly bytes: Uint8Array;
}

/** Checks what a client gave. Throws `invalid_request` that names the attachment and its field. */
export function incomingAttachments(given: readonly GivenAttachment[]): IncomingAttachment[] {
  const names = new Set<string>();
  return given.map((attachment, index) => {
    const field = `body.attachments.${index}`;
    const to = targetOf(attachment, field);
    const name = freeName(attachment.name, names);
    names.add(name);
    const { mediaType, bytes } = attachment;
    return { name, mediaType, size: bytes.byteLength, sha256: sha256(bytes), to };
  });
}

function targetOf({ name, mediaType, to, bytes }: GivenAttachment, field: string): AttachmentTarget {
  const fits = MODEL_MEDIA_TYPES.includes(mediaType);
  const target = to ?? (fits ? "model" : "workspace");
  if (target === "workspace") return target;
  if (!fits) {
    const message = `${field}.to: ${mediaType} cannot go to the model, only ${MODEL_MEDIA_TYPES.join(", ")}. Send it to the workspace.`;
    throw new RuntimeError("invalid_request", message, { field: `${field}.to` });
  }
  if (!begins(bytes, mediaType)) {
    const message = `${field}.mediaType: the bytes of ${name} are not ${mediaType}. Say what they are, or send them to the workspace.`;
    throw new RuntimeError("invalid_request", message, { field: `${field}.mediaType` });
  }
  return target;
}

/** Whether the bytes begin as those of that type do. */
function begins(bytes: Uint8Array, mediaType: string): boolean {
  const head = Buffer.from(bytes.subarray(0, 1024)).toString("latin1");
  switch (mediaType) {
    case "image/png":
      return head.startsWith("\u0089PNG\r\n\u001a\n");
    case "image/jpeg":
      return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
    case "image/gif":
      return /^GIF8[79]a/.test(head);
    case "image/webp":
      return /^RIFF[\s\S]{4}WEBP/.test(head);
    default:
      // Readers of PDFs take what comes before it.
      return head.includes("%PDF-");
  }
}

/** Two files of a message may have one name: a browser calls all that is pasted alike. */
function freeName(name: string, taken: ReadonlySet<string>): string {
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  let free = name;
  for (let count = 2; taken.has(free); count += 1) free = `${stem}-${count}${ending}`;
  return free;
}

/** As the log has it. Each message has a folder of its own: nothing is ever written over. */
export function loggedAttachment({ to, ...attachment }: IncomingAttachment, messageId: string): Attachment {
  return to === "model" ? attachment : { ...attachment, path: `attachments/${messageId}/${attachment.name}` };
}

/** All of the bytes, in order. */
export function* piecesOf(bytes: Uint8Array, sha: string): Generator<BytesPiece> {
  const total = bytes.byteLength;
  for (let offset = 0; offset < total || offset === 0; offset += BLOB_CHUNK_BYTES) {
    const part = bytes.subarray(offset, offset + BLOB_CHUNK_BYTES);
    const data = Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("base64");
    yield { sha256: sha, offset, total, data };
  }
}

export function pieceWrite({ data, ...piece }: BytesPiece, events: EventDraft[]): LogWrite {
  return { events, blobs: [{ ...piece, bytes: Buffer.from(data, "base64") }] };
}

/** Gives the runner the bytes of what messages come with. Rejects with `attachment_failed` where they are not whole. */
export async function putAttachments(
  at: { store: SessionStore; key: SessionKey; link: RunnerLink; newId: () => string },
  messages: readonly Pick<TurnMessage, "attachments">[],
): Promise<void> {
  const all = messages.flatMap(({ attachments = [] }) => attachments);
  const distinct = new Map(all.map((attachment) => [attachment.sha256, attachment]));
  for (const attachment of distinct.values()) await putAttachment(at, attachment);
}

async function putAttachment(
  { store, key, link, newId }: Parameters<typeof putAttachments>[0],
  { name, sha256: sha, size }: Attachment,
): Promise<void> {
  let offset = 0;
  for await (const bytes of store.blob(key, sha)) {
    for (const piece of piecesOf(bytes, sha)) {
      const place = { offset: offset + piece.offset, total: size };
      await link.command(`attachment:${newId()}`, { kind: "attachment:put", ...piece, ...place });
    }
    offset += bytes.byteLength;
  }
  if (size === 0) {
    await link.command(`attachment:${newId()}`, { kind: "attachment:put", sha256: sha, offset, total: 0, data: "" });
  }
  if (offset === size) return;
  const message = `What is saved of the attachment ${name} is missing or damaged. Send it again.`;
  throw new RuntimeError("attachment_failed", message);
}
