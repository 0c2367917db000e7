import { randomUUID } from "node:crypto";
import { MAIN_CONVERSATION } from "@hhopkins/agent-runtime-protocol";
import { asObject } from "../content.ts";
import { contentOf, type NativeApiMessage } from "../native.ts";
import { toId } from "../outlet.ts";
import type { OpenCall } from "./calls.ts";

/**
 * The harness's own record of a call that was put off. Started on a transcript that has one, with no result after it,
 * it makes that call first, and asks for it as it would have then.
 */
export const DEFERRED_CALL = "hook_deferred_tool";

/** Our record of a call that was allowed. The harness does not see it. */
const APPROVED = "agent-runtime:approved";

interface Line {
  readonly type?: unknown;
  readonly uuid?: unknown;
  readonly isSidechain?: unknown;
  readonly message?: NativeApiMessage;
  readonly toolUseId?: unknown;
}

export function approvedLine(toolUseId: string): string {
  return JSON.stringify({ type: APPROVED, toolUseId });
}

export function isApprovedLine(line: string): boolean {
  return line.startsWith(`{"type":"${APPROVED}"`);
}

export function approvedIn(lines: readonly string[]): string[] {
  return lines.filter(isApprovedLine).map((line) => String(parsed(line).toolUseId));
}

/** The call as the transcript has it, and the line that puts it off. Undefined where no such call waits for its result. */
export function deferCall(lines: readonly string[], toolUseId: string): { call: OpenCall; line: string } | undefined {
  const entries = lines.map(parsed).filter(({ uuid, isSidechain }) => typeof uuid === "string" && isSidechain !== true);
  const last = entries.at(-1);
  for (const entry of entries.toReversed()) {
    if (entry.type === "user" && hasResult(entry, toolUseId)) return undefined;
    if (entry.type !== "assistant") continue;
    const made = contentOf(entry.message).find(({ type, id }) => type === "tool_use" && toId(id ?? "") === toolUseId);
    if (made === undefined || last === undefined) continue;
    const toolName = made.name ?? "";
    const input = asObject(made.input);
    const attachment = {
      type: DEFERRED_CALL,
      toolUseID: made.id,
      toolName,
      toolInput: input,
      hookName: `PreToolUse:${toolName}`,
      hookEvent: "PreToolUse",
      permissionMode: "default",
    };
    const { userType, entrypoint, cwd, sessionId, version, gitBranch } = asObject(entry);
    const about = { userType, entrypoint, cwd, sessionId, version, gitBranch };
    const line = { parentUuid: last.uuid, isSidechain: false, attachment, type: "attachment", ...stamp(), ...about };
    return { call: { toolUseId, toolName, input, conversationId: MAIN_CONVERSATION }, line: JSON.stringify(line) };
  }
  return undefined;
}

function hasResult({ message }: Line, toolUseId: string): boolean {
  return contentOf(message).some(
    (content) => content.type === "tool_result" && toId(content.tool_use_id ?? "") === toolUseId,
  );
}

function stamp(): { uuid: string; timestamp: string } {
  return { uuid: randomUUID(), timestamp: new Date().toISOString() };
}

function parsed(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return {};
  }
}
