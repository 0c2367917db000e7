import { ERROR_CODES, type ErrorCode } from "@hhopkins/agent-runtime-protocol";
import type { PlacedOperation } from "./document.ts";

/** What a route can refuse with beside what every route can, by what its path has. */
const BY_PATH: readonly (readonly [part: RegExp, codes: readonly ErrorCode[]])[] = [
  [/^\/sessions\/\{id\}/, ["session_not_found"]],
  [/\/messages\/\{messageId\}$/, ["message_not_found"]],
  [/\{askId\}/, ["ask_not_found", "ask_resolved"]],
  [/\{subagentId\}/, ["subagent_not_found"]],
  [/\/files\/\{path\}|\/attachments\//, ["file_not_found"]],
  [/\/(rewind|fork)$/, ["turn_not_found", "conflict"]],
  [/\/message$/, ["conflict", "unknown_command"]],
  [/\/tokens$/, ["session_not_found"]],
  [/\/create$/, ["unknown_profile", "unknown_architecture"]],
];
const OPEN = new Set(["/health", "/ready"]);

/** Codes of the refusals that who calls an operation should know, by their status. */
export function errorsOf({ path, operation }: PlacedOperation): readonly ErrorCode[] {
  if (OPEN.has(path)) return [];
  const { parameters = [], requestBody } = operation;
  const takes = requestBody !== undefined || parameters.some((parameter) => parameter.in !== "path");
  const codes: ErrorCode[] = [
    ...(takes ? (["invalid_request"] as const) : []),
    "unauthorized",
    "token_expired",
    "forbidden",
    ...BY_PATH.flatMap(([part, own]) => (part.test(path) ? own : [])),
    ...(requestBody === undefined ? [] : (["payload_too_large"] as const)),
    "persistence_unavailable",
  ];
  return codes.toSorted((a, b) => ERROR_CODES[a].status - ERROR_CODES[b].status);
}
