import { z } from "zod";

/**
 * Every error code, with the HTTP status that it answers with. A code never changes its meaning.
 * `retry` tells whether the same request can succeed later without a change.
 */
export const ERROR_CODES = {
  invalid_request: { status: 400, retry: false, title: "The request is not valid" },
  unauthorized: { status: 401, retry: false, title: "A valid key is needed" },
  token_expired: { status: 401, retry: false, title: "The token has expired" },
  forbidden: { status: 403, retry: false, title: "The key lacks the right" },
  session_not_found: { status: 404, retry: false, title: "There is no such session" },
  not_found: { status: 404, retry: false, title: "There is nothing here" },
  file_not_found: { status: 404, retry: false, title: "There is no such file" },
  turn_not_found: { status: 404, retry: false, title: "There is no such turn" },
  message_not_found: { status: 404, retry: false, title: "There is no such queued message" },
  subagent_not_found: { status: 404, retry: false, title: "There is no such subagent" },
  ask_not_found: { status: 404, retry: false, title: "There is no such ask" },
  method_not_allowed: { status: 405, retry: false, title: "The method is not allowed here" },
  conflict: { status: 409, retry: false, title: "The request conflicts with an earlier one" },
  ask_resolved: { status: 409, retry: false, title: "The ask does not wait for an answer any more" },
  session_not_loaded: { status: 409, retry: false, title: "The session is not loaded" },
  file_not_kept: { status: 410, retry: false, title: "The bytes of that file are not kept" },
  payload_too_large: { status: 413, retry: false, title: "The body is too large" },
  unknown_profile: { status: 422, retry: false, title: "There is no such agent profile" },
  unknown_command: { status: 422, retry: false, title: "There is no such command" },
  invalid_profile: { status: 422, retry: false, title: "The agent profile is not valid" },
  unknown_architecture: { status: 422, retry: false, title: "There is no such architecture" },
  too_many_requests: { status: 429, retry: true, title: "Too many requests" },
  internal: { status: 500, retry: false, title: "Something failed inside the server" },
  not_supported: { status: 501, retry: false, title: "This deployment cannot do that" },
  missing_dependency: { status: 501, retry: false, title: "A package is not installed" },
  unavailable: { status: 503, retry: true, title: "Temporarily unavailable" },
  persistence_unavailable: { status: 503, retry: true, title: "The store does not answer" },
  shutting_down: { status: 503, retry: true, title: "The server is shutting down" },
  // Codes of turns and sandboxes: they stand in error blocks, status messages and turn errors.
  sandbox_unavailable: { status: 503, retry: true, title: "No sandbox could be started" },
  sandbox_credentials: { status: 502, retry: false, title: "The sandbox provider refused the credentials" },
  sandbox_lost: { status: 502, retry: true, title: "The sandbox is gone" },
  isolation_unavailable: { status: 503, retry: false, title: "Sandboxes cannot be isolated on this machine" },
  environment_failed: { status: 502, retry: false, title: "What the profile needs could not be installed" },
  harness_failed: { status: 502, retry: true, title: "The agent harness failed" },
  harness_timeout: { status: 504, retry: true, title: "The agent harness did not answer in time" },
  model_auth_failed: { status: 502, retry: false, title: "The model refused the credential" },
  model_rate_limited: { status: 502, retry: true, title: "The model is rate limited" },
  model_overloaded: { status: 502, retry: true, title: "The model is overloaded" },
  model_refused: { status: 502, retry: false, title: "The model refused the request" },
  model_unreachable: { status: 502, retry: true, title: "The model cannot be reached" },
  model_failed: { status: 502, retry: true, title: "The model failed" },
  turn_timeout: { status: 504, retry: true, title: "The turn took too long" },
  turn_limit: { status: 409, retry: false, title: "A limit of the turn was reached" },
  attachment_failed: { status: 502, retry: true, title: "An attachment could not be given to the agent" },
  invalid_result: { status: 502, retry: true, title: "The agent's result does not fit its schema" },
  protocol_error: { status: 502, retry: false, title: "A peer broke the protocol" },
  stale_fence: { status: 409, retry: false, title: "Another server owns the session" },
  sequence_conflict: { status: 409, retry: false, title: "Another writer appended to the session" },
  // Codes of starting a server.
  port_in_use: { status: 500, retry: false, title: "The port is taken" },
  data_dir_unusable: { status: 500, retry: false, title: "The data directory cannot be used" },
  invalid_configuration: { status: 500, retry: false, title: "The configuration is not valid" },
} as const satisfies Record<string, { status: number; retry: boolean; title: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}

export interface RuntimeErrorOptions {
  readonly cause?: unknown;
  /** The field that is wrong, as a path such as `body.content`. */
  readonly field?: string;
  /** Every wrong field, where there are several. */
  readonly issues?: readonly { field: string; message: string }[];
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number;
}

/** The one error class: a code from the table, a message that says what is wrong and what to do. */
export class RuntimeError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly issues: readonly { field: string; message: string }[];
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: RuntimeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RuntimeError";
    this.code = code;
    this.field = options.field;
    this.issues = options.issues ?? [];
    this.retryAfter = options.retryAfter;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}

/** Wraps what is unknown at a boundary, and keeps it as `cause`. */
export function toRuntimeError(error: unknown, code: ErrorCode = "internal"): RuntimeError {
  if (error instanceof RuntimeError) return error;
  return new RuntimeError(code, error instanceof Error ? error.message : String(error), { cause: error });
}

/** RFC 9457 problem document, with our short code in `error`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  error: z.string(),
  field: z.string().optional(),
  issues: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof Problem>;

/** The problem document of an error. Errors of code `internal` show nothing of their message. */
export function toProblem(error: RuntimeError): Problem {
  const { status, title } = ERROR_CODES[error.code];
  return {
    type: "about:blank",
    title,
    status,
    detail: error.code === "internal" ? "See the server's log." : error.message,
    error: error.code,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error.issues.length === 0 ? {} : { issues: [...error.issues] }),
  };
}

/** `invalid_request` (or another code) from a ZodError: names the first wrong field, lists all. */
export function fromZodError(error: z.ZodError, where = "body", code: ErrorCode = "invalid_request"): RuntimeError {
  const issues = error.issues.flatMap((issue) => {
    const at = [where, ...issue.path.map(String)].join(".");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ field: `${at}.${key}`, message: "unknown field" }));
    }
    return [{ field: at, message: issue.message }];
  });
  const first = issues[0] ?? { field: where, message: "is not valid" };
  return new RuntimeError(code, `${first.field}: ${first.message}`, { field: first.field, issues, cause: error });
}
