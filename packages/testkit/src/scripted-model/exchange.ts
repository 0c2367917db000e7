import type { IncomingMessage, ServerResponse } from "node:http";
import type { ScriptedModelRequest } from "./request-log.ts";

/** One request on its way through the handler. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: ScriptedModelRequest;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

export type Outcome = Exclude<ScriptedModelRequest["outcome"], "open">;
