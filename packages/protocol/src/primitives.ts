import { z } from "zod";

/** A `messageId`, an `Idempotency-Key`: 1–128 characters of `A-Z a-z 0-9 _ -`. */
export const ClientId = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, "must be 1–128 characters of A-Z a-z 0-9 _ -");

/** Ids that the server or the runner makes: the same alphabet with `.` and `:`. */
export const Id = z.string().regex(/^[A-Za-z0-9_.:-]{1,200}$/, "must be 1–200 characters of A-Z a-z 0-9 _ . : -");

/** An instant, ISO 8601 in UTC. */
export const Timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/, "must be an ISO 8601 UTC time");

/** Number of an event in its session: 1, 2, 3, … without holes. 0 is the cursor before the first event. */
export const Seq = z.number().int().nonnegative();

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in lower-case hex");

/** JSON data that users attach and that we only keep. */
export const JsonObject = z.record(z.string(), z.unknown());

function workspacePathProblem(path: string): string | null {
  if (path.length === 0) return "must not be empty";
  if (path.length > 4096) return "must have at most 4096 characters";
  if (path.startsWith("/")) return "must be relative to the workspace";
  if (path.includes("\0")) return "must not contain NUL";
  if (path.includes("\\")) return "must use / as separator";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    return "must not contain empty, . or .. parts";
  return null;
}

/** Path of a workspace file: relative, POSIX, normalised, never leaving the workspace. */
export const WorkspacePath = z.string().superRefine((path, context) => {
  const problem = workspacePathProblem(path);
  if (problem !== null) context.addIssue({ code: "custom", message: problem });
});

/** Whether `path` can name a file of a workspace. */
export function isWorkspacePath(path: string): boolean {
  return workspacePathProblem(path) === null;
}

export type JsonObject = z.infer<typeof JsonObject>;
