import {
  initialState,
  reduceAll,
  type ConversationBlock,
  type EventData,
  type EventType,
  type SessionEvent,
  type SessionState,
} from "@hhopkins/agent-runtime";
import { expect } from "vitest";
import { recordSession, type RecordedSession } from "./record.ts";

export const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string;
export const HASH = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
export const TEXT = expect.any(String) as string;
export const NUMBER = expect.any(Number) as number;

/** The session that all of these tests look at; there from `begin()` on. */
export let one: RecordedSession;

export async function begin(): Promise<void> {
  one = await recordSession();
}

/** Every block of a type that was completed, in order. */
export function completed<T extends ConversationBlock["type"]>(type: T): Extract<ConversationBlock, { type: T }>[] {
  return one.recorder
    .of("session:block:complete")
    .flatMap(({ data }) => (data.block.type === type ? [data.block as Extract<ConversationBlock, { type: T }>] : []));
}

/** The payloads of every event of a type, in order. */
export function data<T extends EventType>(type: T): EventData<T>[] {
  return one.recorder.of(type).map((event) => event.data);
}

/** The client's state right after the first event that `ends` it. */
export function stateUntil(ends: (event: SessionEvent) => boolean, logId = "log"): SessionState {
  const events: SessionEvent[] = [];
  for (const frame of one.recorder.frames) {
    if (frame.seq === undefined) continue;
    const event = { type: frame.event, seq: frame.seq, at: frame.at, data: frame.data } as unknown as SessionEvent;
    events.push(event);
    if (ends(event)) break;
  }
  return reduceAll(initialState(one.sessionId, logId), events);
}

/** Number of the last event of a type about a block; 0 where there is none. */
export function lastSeqOf(type: EventType, blockId: string): number {
  const found = one.recorder.of(type).filter((event) => (event.data as { blockId?: string }).blockId === blockId);
  return found.at(-1)?.seq ?? 0;
}
