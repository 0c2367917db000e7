import { ClientError } from "@hhopkins/agent-runtime-react";

/** What a person is told of something that failed. */
export function errorText(error: unknown): string {
  if (error instanceof ClientError && error.code === "unreachable")
    return "The server does not answer. Try again once it is back.";
  return error instanceof Error ? error.message : String(error);
}
