import { z } from "zod";
import { Sha256, Timestamp, WorkspacePath } from "./primitives.ts";

export const FileType = z.enum(["file", "symlink", "directory"]);
export type FileType = z.infer<typeof FileType>;

const metadata = {
  path: WorkspacePath,
  type: FileType.optional(),
  /** Permission bits, e.g. 0o644 = 420. */
  mode: z.number().int().min(0).max(0o7777).optional(),
  /** Target of a symlink as text; never followed out of the workspace. */
  target: z.string().optional(),
  /** Bytes. */
  size: z.number().int().nonnegative().optional(),
  sha256: Sha256.optional(),
  createdAt: Timestamp.optional(),
  modifiedAt: Timestamp.optional(),
};

/** What is known of a file without its bytes: an item of `GET /sessions/:id/files`. */
export const FileEntry = z.object(metadata);
export type FileEntry = z.infer<typeof FileEntry>;

/**
 * A workspace file as events and states carry it. Without `content` (`truncated: true`) its bytes come from
 * `GET /sessions/:id/files/<path>`.
 */
export const WorkspaceFile = z.object({
  ...metadata,
  content: z.string().optional(),
  encoding: z.enum(["utf8", "base64"]).optional(),
  truncated: z.boolean().optional(),
});
export type WorkspaceFile = z.infer<typeof WorkspaceFile>;

/** A file that a user gives (`defaultWorkspaceFiles`, `saveWorkspaceFile`): its content is there. */
export const WorkspaceFileInput = z.strictObject({
  path: WorkspacePath,
  content: z.string(),
  encoding: z.enum(["utf8", "base64"]).optional(),
  mode: z.number().int().min(0).max(0o777).optional(),
});
export type WorkspaceFileInput = z.infer<typeof WorkspaceFileInput>;
