import { RuntimeError, toRuntimeError } from "@hhopkins/agent-runtime-protocol";

const LATE = "The sandbox did not start in time.";

/** To who waits for a runner whose sandbox is given up. */
export function lateStart(): RuntimeError {
  return new RuntimeError("sandbox_lost", LATE);
}

/** Why a sandbox did not start; `aborted`: this server has called the start off. */
export function startError(cause: unknown, aborted: boolean): RuntimeError {
  if (aborted) return new RuntimeError("unavailable", "The start of the sandbox was called off.", { cause });
  if (cause instanceof DOMException && cause.name === "TimeoutError") {
    return new RuntimeError("sandbox_unavailable", LATE, { cause });
  }
  return toRuntimeError(cause, "sandbox_unavailable");
}
