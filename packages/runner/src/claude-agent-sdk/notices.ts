import { MAIN_CONVERSATION } from "@hhopkins/agent-runtime-protocol";
import { isCredentialStatus, modelTrouble } from "./failures.ts";
import type { NativeMessage } from "./native.ts";
import type { Outlet } from "./outlet.ts";

/** What happens beside the conversation and a user should know: a system block each. */
export interface Notices {
  /** `system/api_retry`. One block a turn, which tells of the latest. */
  retry(message: NativeMessage): void;
  /** The model has answered. */
  answered(): void;
  /** `system/compact_boundary`. */
  compacted(conversationId: string, message: NativeMessage): void;
  /** `system/status`. */
  status(message: NativeMessage): void;
  /** `rate_limit_event`. Once a turn, and once more when it gets worse. */
  rateLimit(message: NativeMessage): void;
  say(conversationId: string, key: string | undefined, said: { subtype: string; content: string }): string;
  endTurn(): void;
}

export function createNotices(outlet: Outlet): Notices {
  let retrying: { id: string; trouble: string; tries: number; content: string } | undefined;
  let limit: string | undefined;

  function say(conversationId: string, key: string | undefined, said: { subtype: string; content: string }): string {
    const id = outlet.claim(`system:${key ?? "none"}`);
    outlet.whole(conversationId, { type: "system", id, timestamp: outlet.timestamp(), ...said });
    return id;
  }

  function update(content: string): void {
    if (retrying === undefined || retrying.content === content) return;
    retrying.content = content;
    outlet.update(MAIN_CONVERSATION, retrying.id, { content });
  }

  return {
    say,
    retry(message) {
      const { error_status: status, error: kind, attempt = 1, max_retries: most, retry_delay_ms: delay } = message;
      if (isCredentialStatus(status)) return;
      const trouble = modelTrouble({ status, kind });
      const wait = delay === undefined ? "" : ` in ${Math.max(1, Math.round(delay / 1000))} s`;
      const count = most === undefined ? "" : ` (${attempt} of at most ${most})`;
      const content = `${trouble}. The agent tries again${wait}${count}.`;
      if (retrying === undefined) {
        const id = say(MAIN_CONVERSATION, message.uuid, { subtype: "api_retry", content });
        retrying = { id, trouble, tries: attempt, content };
      } else {
        Object.assign(retrying, { trouble, tries: attempt });
        update(content);
      }
    },
    answered() {
      if (retrying !== undefined) update(`${retrying.trouble}. The agent tried again, and it answered.`);
    },
    compacted(conversationId, message) {
      const { trigger, pre_tokens: before, post_tokens: after } = message.compact_metadata ?? {};
      const sizes = before === undefined ? "" : ` of ${before} tokens`;
      const left = after === undefined ? "" : `, which now has ${after}`;
      const why = trigger === "auto" ? " because it had become too long for the model" : "";
      const content = `The agent summed up its conversation${sizes}${why}: from here on it remembers the summary${left}. Nothing is lost here.`;
      say(conversationId, message.uuid, { subtype: "compaction", content });
    },
    status(message) {
      // A conversation of one long message has nothing to sum up.
      if (message.compact_result !== "failed" || message.compact_error === "too_few_groups") return;
      const why = message.compact_error ?? "no reason given";
      const content = `The agent could not sum up its conversation, which becomes too long for the model: ${why}. If it is refused, go on in a new session.`;
      say(MAIN_CONVERSATION, message.uuid, { subtype: "compaction", content });
    },
    rateLimit(message) {
      const { status, rateLimitType: type, utilization, resetsAt } = message.rate_limit_info ?? {};
      if (status === undefined || status === "allowed" || limit === status) return;
      limit = status;
      const which = type === undefined ? "" : ` (${type.replaceAll("_", " ")})`;
      const used = utilization === undefined ? "" : `, ${Math.round(utilization * 100)} % used`;
      const until = resetsAt === undefined ? "" : `; it is reset at ${new Date(resetsAt * 1000).toISOString()}`;
      const what = status === "rejected" ? "is reached" : "is near";
      const content = `The limit of the model's account${which} ${what}${used}${until}.`;
      say(MAIN_CONVERSATION, message.uuid, { subtype: "rate_limit", content });
    },
    endTurn() {
      const { trouble, tries, content } = retrying ?? {};
      if (content?.includes("tries again") === true) update(`${trouble}. The agent tried again ${tries} times.`);
      retrying = undefined;
      limit = undefined;
    },
  };
}
