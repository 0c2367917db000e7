import { toRuntimeError } from "@hhopkins/agent-runtime-protocol";
import type { Logger } from "../logger.ts";

/** Takes what kept something from the log, in a session's own work. That another server has the session by now is no fault. */
export function failedWrite(log: Logger, sessionId: string, message: string): (error: unknown) => void {
  return (error) => {
    const level = toRuntimeError(error).code === "stale_fence" ? "warn" : "error";
    log[level]({ err: error, sessionId }, message);
  };
}
