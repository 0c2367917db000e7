import { RuntimeError } from "@hhopkins/agent-runtime-protocol";

/** Status numbers of gRPC. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const UNAUTHENTICATED = 16;

/** The number of gRPC, where the error comes from there. */
function statusOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}

/** Modal says that there is no such sandbox (any more); anything else may pass. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error) === NOT_FOUND || nameOf(error) === "NotFoundError";
}

export function isTaken(error: unknown): boolean {
  return nameOf(error) === "AlreadyExistsError";
}

/** It was refused before anything was done: asking again does not find it. */
export function isRefused(error: unknown): boolean {
  const status = statusOf(error);
  if (status === INVALID_ARGUMENT || status === PERMISSION_DENIED || status === UNAUTHENTICATED) return true;
  return nameOf(error) === "InvalidError" || (error instanceof RuntimeError && error.code === "sandbox_credentials");
}

export function isThrottled(error: unknown): boolean {
  return statusOf(error) === RESOURCE_EXHAUSTED || nameOf(error) === "ResourceExhaustedError";
}

/** What went wrong with Modal, in our words; never with the token. */
export function explainModalError(error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const status = statusOf(error);
  const unavailable = (message: string): RuntimeError =>
    new RuntimeError("sandbox_unavailable", message, { cause: error });
  if (isDenied(status, said)) {
    return new RuntimeError(
      "sandbox_credentials",
      `Modal refused the credentials (${said}). Check MODAL_TOKEN_ID and MODAL_TOKEN_SECRET: a token is made with "modal token new" or at https://modal.com/settings/tokens.`,
      { cause: error },
    );
  }
  if (isThrottled(error)) {
    return unavailable(`Modal has no room for this now (${said}). Try again later, or ask Modal for a higher limit.`);
  }
  if (isRefused(error) || status === FAILED_PRECONDITION) {
    return unavailable(`Modal refused the request (${said}). Check the options of modalSandbox.`);
  }
  return unavailable(`Modal cannot be reached (${said}). Check the network of this server, and try again later.`);
}

function isDenied(status: unknown, said: string): boolean {
  if (status === UNAUTHENTICATED || status === PERMISSION_DENIED) return true;
  return (
    status === undefined && /\btoken\b.*\b(empty|missing|invalid|expired)|missing credentials|AuthError/i.test(said)
  );
}
