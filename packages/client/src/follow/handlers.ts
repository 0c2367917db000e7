import { asClientError, type ClientError } from "../client-error.ts";

interface Handlers {
  readonly onError?: (error: ClientError) => void;
}

/** Calls one of `handlers`: one that throws stops nobody, and `onError` is told of it. */
export function tell(handlers: Handlers, call: () => void): void {
  try {
    call();
  } catch (error) {
    report(handlers, asClientError(error, "handler_failed"));
  }
}

export function report(handlers: Handlers, error: ClientError): void {
  try {
    handlers.onError?.(error);
  } catch {
    // Who is told of errors and throws cannot be told of that.
  }
}
