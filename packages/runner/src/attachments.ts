import { createHash } from "node:crypto";
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RuntimeError, type Attachment, type CommandBody, type TurnMessage } from "@hhopkins/agent-runtime-protocol";
import type { HarnessMessage } from "./architecture.ts";

type AttachmentPut = Extract<CommandBody, { kind: "attachment:put" }>;

export interface AttachmentsOptions {
  /** For bytes that wait for their message. */
  readonly folder: string;
  readonly workspace: string;
}

/** What messages come with: the bytes that were put, until a turn ends. */
export interface Attachments {
  put(command: AttachmentPut): void;
  /** The message with its files in the workspace. Throws `attachment_failed` where one cannot be laid there. */
  layOut(message: TurnMessage): Promise<HarnessMessage>;
  clear(): void;
}

export function createAttachments({ folder, workspace }: AttachmentsOptions): Attachments {
  const fileOf = (sha256: string): string => join(folder, sha256);

  function bytesOf({ name, sha256 }: Attachment): Buffer {
    const bytes = readOrNothing(fileOf(sha256));
    if (bytes !== null && createHash("sha256").update(bytes).digest("hex") === sha256) return bytes;
    throw failed(name, "its bytes did not come whole");
  }

  async function layOutFile(attachment: Attachment, path: string): Promise<void> {
    const target = join(workspace, path);
    const bytes = bytesOf(attachment);
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, bytes, { flag: "wx" });
    } catch (error) {
      // It was laid there before, and what the agent made of it since is the agent's.
      if (codeOf(error) === "EEXIST" && existsSync(target)) return;
      throw failed(attachment.name, `${path} cannot be written (${codeOf(error)})`);
    }
  }

  return {
    put({ sha256, offset, data }) {
      mkdirSync(folder, { recursive: true });
      // In its place: the same bytes may come twice at a time, for a turn that ends and for the next one.
      const file = openSync(fileOf(sha256), constants.O_WRONLY | constants.O_CREAT, 0o600);
      try {
        const bytes = Buffer.from(data, "base64");
        writeSync(file, bytes, 0, bytes.length, offset);
      } finally {
        closeSync(file);
      }
    },
    async layOut({ messageId, content, attachments = [] }) {
      const files = attachments.flatMap(({ path, mediaType, size }) =>
        path === undefined ? [] : [{ path, mediaType, size }],
      );
      const shown = attachments.filter(({ path }) => path === undefined);
      const media = shown.map((one) => ({ name: one.name, mediaType: one.mediaType, data: bytesOf(one) }));
      for (const attachment of attachments)
        if (attachment.path !== undefined) await layOutFile(attachment, attachment.path);
      return {
        messageId,
        content,
        ...(files.length === 0 ? {} : { files }),
        ...(media.length === 0 ? {} : { media }),
      };
    },
    clear: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function readOrNothing(file: string): Buffer | null {
  try {
    return readFileSync(file);
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function failed(name: string, why: string): RuntimeError {
  const message = `The attachment ${name} could not be given to the agent: ${why}. Send it again.`;
  return new RuntimeError("attachment_failed", message);
}
