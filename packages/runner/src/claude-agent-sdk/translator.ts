import { MAIN_CONVERSATION, type EntryBody, type TurnError, type TurnStatus } from "@hhopkins/agent-runtime-protocol";
import type { OpenCall } from "./asks/calls.ts";
import { asObject, resultText, stringOf } from "./content.ts";
import {
  failureOf,
  harnessError,
  modelError,
  modelTrouble,
  resultError,
  wasAborted,
  type ModelFailure,
} from "./failures.ts";
import { contentOf, type NativeContent, type NativeMessage } from "./native.ts";
import { createNotices } from "./notices.ts";
import { createOutlet, toId } from "./outlet.ts";
import { conversationOf, createSpeech, type Speech } from "./speech.ts";
import { createSubagents, type Subagents } from "./subagents.ts";
import { createTools } from "./tools.ts";

export interface TranslatorOptions {
  readonly now: () => Date;
  readonly log: (message: string, detail?: unknown) => void;
}

/** Why a turn ended apart from what the harness said: it was asked to stop, or it died. */
export interface TurnStop {
  readonly interrupted: boolean;
  readonly failure?: TurnError | undefined;
  /** Calls of tools that had not begun: they waited for people. */
  readonly unbegun?: ReadonlySet<string> | undefined;
  /** Why it has failed even where nothing else is wrong. */
  readonly lacking?: TurnError | undefined;
}

export interface TurnOutcome {
  readonly bodies: EntryBody[];
  readonly status: TurnStatus;
  readonly error?: TurnError;
}

/** Turns the harness's messages into blocks. Pure but for the clock: the same messages give the same bodies. */
export interface Translator {
  /** What follows from a message, in order. Never throws: what it cannot read is logged. */
  translate(message: NativeMessage): EntryBody[];
  /** A call of an earlier process, whose result is to come. */
  resumeCall(call: OpenCall): void;
  /** Forgets the turn: it goes on elsewhere. */
  leaveTurn(): void;
  /** Closes everything that is open, and says how the turn ended; an error is one block. */
  endTurn(turnId: string, stop: TurnStop): TurnOutcome;
  readonly subagents: Pick<Subagents, "taskOf" | "idOf">;
}

/** Messages that say nothing for a conversation, or that others read. */
const SILENT = new Set([
  "command_lifecycle",
  "system/init",
  "system/thinking_tokens",
  "system/session_state_changed",
  "system/task_progress",
  "system/task_updated",
  "system/background_tasks_changed",
]);

export function createTranslator({ now, log }: TranslatorOptions): Translator {
  const outlet = createOutlet(now);
  const tools = createTools(outlet);
  const notices = createNotices(outlet);
  const speeches = new Map<string, Speech>();
  const subagents = createSubagents(outlet, tools, (subagentId) => {
    speeches.get(subagentId)?.close(true);
    tools.abandon(subagentId);
  });
  /** An API error of the main conversation from which the harness may still recover. */
  let pending: ModelFailure | undefined;
  let result: { aborted: boolean; error: TurnError | undefined } | undefined;
  /** A subagent was stopped. */
  let anyStopped = false;

  function speechOf(conversationId: string): Speech {
    let speech = speeches.get(conversationId);
    if (speech === undefined) speeches.set(conversationId, (speech = createSpeech(conversationId, outlet, tools)));
    return speech;
  }

  /** The conversation that a message is of; undefined where that has ended. */
  function enter(message: NativeMessage): string | undefined {
    const conversationId = conversationOf(message);
    if (conversationId === MAIN_CONVERSATION) return conversationId;
    return subagents.ensure(conversationId, message) ? conversationId : undefined;
  }

  function recovered(message: NativeMessage): void {
    if (pending === undefined) return;
    notices.say(MAIN_CONVERSATION, message.uuid, {
      subtype: "model_error",
      content: `${modelTrouble(pending)}. The agent goes on by itself.`,
    });
    pending = undefined;
  }

  function onStreamEvent(message: NativeMessage): void {
    if (message.event?.type === "message_start") notices.answered();
    const conversationId = message.event === undefined ? undefined : enter(message);
    if (conversationId !== undefined && message.event !== undefined)
      speechOf(conversationId).streamEvent(message.event);
  }

  function onAssistant(message: NativeMessage): void {
    const conversationId = enter(message);
    if (conversationId === undefined) return;
    const failure = failureOf(message);
    if (failure === undefined) {
      notices.answered();
      if (conversationId === MAIN_CONVERSATION) recovered(message);
      speechOf(conversationId).assistant(message);
    } else if (conversationId === MAIN_CONVERSATION) {
      pending = failure;
    } else {
      const id = outlet.claim(`error:${message.uuid ?? "none"}`);
      outlet.whole(conversationId, { type: "error", id, timestamp: outlet.timestamp(), ...modelError(failure) });
    }
  }

  function onUser(message: NativeMessage): void {
    // The server has written the user's own messages, and a subagent's prompt came with its discovery.
    if (message.isReplay === true) return;
    const conversationId = enter(message);
    if (conversationId === undefined) return;
    for (const content of contentOf(message.message)) {
      if (content.type === "tool_result") onToolResult(conversationId, message, content);
      else if (content.type === "text" && (conversationId === MAIN_CONVERSATION || message.isSynthetic === true)) {
        const text = content.text ?? "";
        // How the turn ended is said once, at its end.
        if (text.startsWith("[Request interrupted")) continue;
        notices.say(conversationId, message.uuid, { subtype: "injected", content: text });
      }
    }
  }

  function onToolResult(conversationId: string, message: NativeMessage, content: NativeContent): void {
    const toolUseId = toId(content.tool_use_id ?? "");
    const details = asObject(message.tool_use_result);
    const inBackground = details["isAsync"] === true || details["status"] === "async_launched";
    if (content.is_error === true) {
      const stopped = message.tool_result_meta?.some((meta) => meta.non_execution_kind !== undefined) === true;
      subagents.returned(toolUseId, stopped ? "stopped" : "failed", stopped ? undefined : resultText(content.content));
    } else if (!inBackground) {
      subagents.returned(toolUseId, "completed", speeches.get(toolUseId)?.lastText());
    }
    tools.result(conversationId, content);
  }

  function dispatch(message: NativeMessage): void {
    const name = message.subtype === undefined ? message.type : `${message.type}/${message.subtype}`;
    switch (message.type === "result" || message.type === "user" ? message.type : name) {
      case "stream_event":
        if (message.event?.type === "message_start" && conversationOf(message) === MAIN_CONVERSATION)
          recovered(message);
        return onStreamEvent(message);
      case "assistant":
        return onAssistant(message);
      case "user":
        return onUser(message);
      case "system/task_started":
        return subagents.started(message);
      case "system/task_notification":
        anyStopped ||= message.status === "stopped" && subagents.idOf(message.task_id ?? "") !== undefined;
        return subagents.notified(message, (id) => speeches.get(id)?.lastText());
      case "system/api_retry":
        return notices.retry(message);
      case "system/compact_boundary":
        return notices.compacted(enter(message) ?? MAIN_CONVERSATION, message);
      case "system/status":
        return notices.status(message);
      case "rate_limit_event":
        return notices.rateLimit(message);
      case "result":
        result = {
          aborted: wasAborted(message),
          error: wasAborted(message) ? undefined : resultError(message, pending),
        };
        pending = undefined;
        return;
      default:
        if (!SILENT.has(name)) log("message of the harness without a translation", { name: stringOf(name) });
    }
  }

  function outcomeOf(stop: TurnStop): { status: TurnStatus; error?: TurnError } {
    if (stop.failure !== undefined) return { status: "failed", error: stop.failure };
    if (result === undefined && !stop.interrupted)
      return { status: "failed", error: harnessError("it ended the turn without a result") };
    if (result === undefined || result.aborted) return { status: "interrupted" };
    // The main conversation had ended its part, and what worked beside it was stopped.
    if (stop.interrupted && anyStopped) return { status: "interrupted" };
    if (result.error === undefined && stop.lacking !== undefined) return { status: "failed", error: stop.lacking };
    if (result.error === undefined) return { status: "completed" };
    return stop.interrupted ? { status: "interrupted" } : { status: "failed", error: result.error };
  }

  function forget(): void {
    pending = undefined;
    result = undefined;
    anyStopped = false;
    notices.endTurn();
    speeches.clear();
  }

  return {
    subagents,
    translate(message) {
      try {
        dispatch(message);
      } catch (error) {
        log("message of the harness could not be read", { type: message?.type, error });
      }
      return outlet.take();
    },
    resumeCall(call) {
      tools.started({ ...call, blockId: `tool:${call.toolUseId}` });
    },
    leaveTurn() {
      tools.forget();
      forget();
    },
    endTurn(turnId, stop) {
      const outcome = outcomeOf(stop);
      for (const speech of speeches.values()) speech.close(true);
      if (stop.failure !== undefined && !stop.interrupted) tools.lose(stop.unbegun ?? new Set());
      tools.abandon();
      subagents.closeAll(outcome.status === "failed" ? "failed" : "stopped");
      if (outcome.status === "interrupted") {
        notices.say(MAIN_CONVERSATION, turnId, { subtype: "interrupted", content: "The turn was interrupted." });
      }
      if (outcome.error !== undefined) {
        const id = outlet.claim(`error:${turnId}`);
        outlet.whole(MAIN_CONVERSATION, { type: "error", id, timestamp: outlet.timestamp(), ...outcome.error });
      }
      forget();
      return { bodies: outlet.take(), ...outcome };
    },
  };
}
