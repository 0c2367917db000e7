import { isWorkspacePath, RuntimeError, type FileRefusal } from "@hhopkins/agent-runtime-protocol";
import type { SessionLimits } from "./session-parts.ts";

/** Bytes of one name, and of a whole path below the workspace: what every sandbox's file system takes. */
const NAME_BYTES = 255;
const PATH_BYTES = 2048;

/** Throws `invalid_request` for a path at which no file of a workspace can be kept, and `payload_too_large`. */
export function assertGiven(
  { path, size }: { path: string; size: number },
  { ignore, maxFileBytes }: Pick<SessionLimits, "ignore" | "maxFileBytes">,
): void {
  if (!isWorkspacePath(path)) throw wrongPath("must name a file inside the workspace");
  const names = path.split("/");
  const folder = names.slice(0, -1).find((name) => ignore.includes(name));
  if (folder !== undefined) throw wrongPath(`what is in ${folder} is not kept (\`ignoreFiles\`); name another folder`);
  if (Buffer.byteLength(path) > PATH_BYTES || names.some((name) => Buffer.byteLength(name) > NAME_BYTES))
    throw wrongPath(`may have at most ${PATH_BYTES} bytes, and each name in it ${NAME_BYTES}; shorten it`);
  if (!path.isWellFormed()) throw wrongPath("must be valid Unicode");
  if (size <= maxFileBytes) return;
  const message = `A file of a workspace may have at most ${maxFileBytes} bytes (\`maxFileBytes\`).`;
  throw new RuntimeError("payload_too_large", message, { field: "body" });
}

function wrongPath(why: string): RuntimeError {
  return new RuntimeError("invalid_request", `path: ${why}`, { field: "path" });
}

/** What a person is told whose change cannot be made. */
export function refusedChange(path: string, refused: Exclude<FileRefusal, "ending">): RuntimeError {
  if (refused === "missing")
    return new RuntimeError("file_not_found", `There is no file ${path} in the workspace.`, { field: "path" });
  return new RuntimeError("conflict", `path: ${path} ${WHY[refused]}`, { field: "path" });
}

const WHY: Readonly<Record<Exclude<FileRefusal, "ending" | "missing">, string>> = {
  folder: "is a folder that holds files. Name a file, or delete the files in it first.",
  symlink: "is a symlink. Name the file that it leads to, or delete the link first.",
  below_file: "lies below a file, which is no folder. Name another folder, or delete that file first.",
  below_symlink: "leads through a symlink. Name the folder that it leads to, or delete the link first.",
  denied: "may not be written: the agent has taken that right away from itself. Have it give the right back.",
};
