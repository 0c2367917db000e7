import type { Problem } from "@hhopkins/agent-runtime-protocol";

export interface ClientErrorOptions {
  readonly cause?: unknown;
  /** HTTP status; absent where there was no answer. */
  readonly status?: number;
  readonly field?: string;
  readonly issues?: readonly { field: string; message: string }[];
  /** Seconds. */
  readonly retryAfter?: number;
}

/**
 * What went wrong, by the server's code (`session_not_found`, `conflict`, …; a newer server may know more), or by one
 * of ours: `unreachable` (no answer), `bad_answer` (an answer that is not the protocol's), `no_token` (`getToken` rejected).
 */
export class ClientError extends Error {
  readonly code: string;
  readonly status: number | undefined;
  readonly field: string | undefined;
  readonly issues: readonly { field: string; message: string }[];
  readonly retryAfter: number | undefined;

  constructor(code: string, message: string, options: ClientErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ClientError";
    this.code = code;
    this.status = options.status;
    this.field = options.field;
    this.issues = options.issues ?? [];
    this.retryAfter = options.retryAfter;
  }
}

/** The error of an answer that is not 2xx. */
export async function errorOfResponse(response: Response): Promise<ClientError> {
  const problem = (await response.json().catch(() => null)) as Partial<Problem> | null;
  const { status } = response;
  if (typeof problem?.error !== "string")
    return new ClientError("bad_answer", `The server answered ${status}.`, { status });
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ClientError(problem.error, problem.detail ?? problem.title ?? problem.error, {
    status,
    ...(problem.field === undefined ? {} : { field: problem.field }),
    ...(problem.issues === undefined ? {} : { issues: problem.issues }),
    ...(Number.isFinite(seconds) ? { retryAfter: seconds } : {}),
  });
}

export function asClientError(error: unknown, code = "unreachable"): ClientError {
  if (error instanceof ClientError) return error;
  return new ClientError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
