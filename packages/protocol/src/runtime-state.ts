import { z } from "zod";
import { Timestamp } from "./primitives.ts";

/** `ready`: running; `unhealthy`: unreachable for now; `terminated`: ended or asleep, the next message wakes it; `error`: gone or never started. */
export const SandboxStatus = z.enum(["pending", "starting", "ready", "unhealthy", "terminated", "error"]);
export type SandboxStatus = z.infer<typeof SandboxStatus>;

export const SandboxState = z.object({
  sandboxId: z.string().optional(),
  status: SandboxStatus,
  statusMessage: z.string().optional(),
  /** How many sandboxes of this session came before this one. */
  restartCount: z.number().int().nonnegative(),
  /** When the status was last known to hold, as of its last change; null before the first look. */
  lastHealthCheck: Timestamp.nullable(),
});
export type SandboxState = z.infer<typeof SandboxState>;

/** Whether a session is in a server's memory, and where its agent runs. `sandbox` is null before the first message. */
export const SessionRuntimeState = z.object({
  isLoaded: z.boolean(),
  sandbox: SandboxState.nullable(),
});
export type SessionRuntimeState = z.infer<typeof SessionRuntimeState>;

/** One of a session's sandboxes, as its log tells of it. */
export const SandboxGeneration = z.object({
  sandboxId: z.string().optional(),
  startedAt: Timestamp,
  /** Absent while it is the session's. */
  endedAt: Timestamp.optional(),
  /** The last one that it had, and what was said of it: why it ended, once it has. */
  status: SandboxStatus,
  statusMessage: z.string().optional(),
});
export type SandboxGeneration = z.infer<typeof SandboxGeneration>;
