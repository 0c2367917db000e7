import type { IncomingHttpHeaders } from "node:http";
import type { Played } from "./play.ts";

/** One request that the scripted model had. Headers are kept whole, keys among them: this log is for tests. */
export interface ScriptedModelRequest {
  /** ISO 8601. */
  readonly at: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The parsed JSON body of a request for an answer; absent, like what follows, where it could not be read. */
  body?: unknown;
  model?: string;
  /** The system prompt's text. */
  system?: string;
  toolNames?: readonly string[];
  played?: Played;
  /** `aborted`: the client left first. `dropped`: the script cut the connection. */
  outcome: "open" | "answered" | "aborted" | "dropped";
}

/** Keeps the last requests, oldest first. */
export interface RequestLog {
  readonly entries: readonly ScriptedModelRequest[];
  add(entry: ScriptedModelRequest): void;
}

export function createRequestLog(limit: number): RequestLog {
  const entries: ScriptedModelRequest[] = [];
  return {
    entries,
    add(entry) {
      entries.push(entry);
      if (entries.length > limit) entries.shift();
    },
  };
}
