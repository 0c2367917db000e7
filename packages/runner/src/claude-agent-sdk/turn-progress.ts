import type { NativeMessage } from "./native.ts";

/** Watches a turn's messages for its end. A `result` is not the end: a background agent's report can follow it. */
export interface TurnProgress {
  /** One more message was given to the harness. */
  given(uuid: string): void;
  /** The harness gave it back. */
  settled(uuid: string): void;
  /** True once the harness is idle and has settled every message that it was given. */
  isOver(message: NativeMessage): boolean;
}

const SETTLED = new Set(["completed", "cancelled"]);

/**
 * @param uuids of the messages that were given to the harness.
 * @param goesOn by itself, without a message; it can be idle before it begins.
 */
export function createTurnProgress(uuids: readonly string[], goesOn = false): TurnProgress {
  let began = !goesOn;
  const unsettled = new Set(uuids);
  const announced = new Set<string>();
  return {
    given: (uuid) => void unsettled.add(uuid),
    settled: (uuid) => void unsettled.delete(uuid),
    isOver(message) {
      began ||= message.type === "result";
      if (message.type === "command_lifecycle") {
        announced.add(message.command_uuid ?? "");
        if (SETTLED.has(message.state ?? "")) unsettled.delete(message.command_uuid ?? "");
      }
      // Replayed unannounced: the conversation has a message with that uuid already, and the harness drops this one.
      if (message.isReplay === true && !announced.has(message.uuid ?? "")) unsettled.delete(message.uuid ?? "");
      const idle = message.subtype === "session_state_changed" && message.state === "idle";
      return idle && began && unsettled.size === 0;
    },
  };
}
