import { isErrorCode, RuntimeError, toRuntimeError, type CommandAnswer } from "@hhopkins/agent-runtime-protocol";
import { z } from "zod";

const Refusal = z.object({
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
  issues: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  retryAfter: z.number().optional(),
});

/** An error as another node can be told of it: all that a client may see. */
export function refusalOf(error: unknown): Extract<CommandAnswer, { ok: false }> {
  const { code, message, field, issues, retryAfter } = toRuntimeError(error);
  return {
    ok: false,
    error: {
      code,
      message,
      ...(field === undefined ? {} : { field }),
      ...(issues.length === 0 ? {} : { issues: [...issues] }),
      ...(retryAfter === undefined ? {} : { retryAfter }),
    },
  };
}

/** The error that another node told of, as if it had happened here. */
export function errorOf(refusal: unknown): RuntimeError {
  const parsed = Refusal.safeParse(refusal);
  if (!parsed.success) return new RuntimeError("protocol_error", "Another server refused, and did not say how.");
  const { code, message, field, issues, retryAfter } = parsed.data;
  return new RuntimeError(isErrorCode(code) ? code : "internal", message, {
    ...(field === undefined ? {} : { field }),
    ...(issues === undefined ? {} : { issues }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}
