import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";

/** What a server sends, as far as a follower looks at it. */
export type IncomingFrame =
  | { readonly kind: "ack"; readonly id: unknown; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind: "event"; readonly event: LiveEvent }
  | { readonly kind: "control"; readonly event: string; readonly data: Readonly<Record<string, unknown>> };

/**
 * An event of the log as it arrived; `from` where it covers more than its own seq. A newer server may send types that
 * are not listed here: let a `switch` have a `default`.
 */
export type LiveEvent = SessionEvent & { readonly from?: number };

/** Reads a text frame; null for what is none of the protocol's. What a newer server adds is left alone. */
export function parseFrame(text: unknown): IncomingFrame | null {
  const frame = parseObject(text);
  if (frame === null) return null;
  const data = isObject(frame.data) ? frame.data : {};
  if ("ack" in frame) return { kind: "ack", id: frame.ack, data };
  const { event: type, seq } = frame;
  if (typeof type !== "string") return null;
  if (seq === undefined) return { kind: "control", event: type, data };
  const event = numbered(type, data, frame);
  return event === undefined ? null : { kind: "event", event };
}

/** An event whose payload has its numbers beside it, as server-sent events do; undefined for what is no event of a log. */
export function eventOf(type: string, payload: unknown): LiveEvent | undefined {
  if (!isObject(payload)) return undefined;
  const { seq, from, at, ...data } = payload;
  return numbered(type, data, { seq, from, at });
}

function numbered(type: string, data: object, { seq, from, at }: Record<string, unknown>): LiveEvent | undefined {
  if (typeof seq !== "number" || !Number.isSafeInteger(seq)) return undefined;
  const covered = typeof from === "number" ? { from } : {};
  const event = { type, seq, ...covered, at: typeof at === "string" ? at : "", data };
  // The server is trusted with the payloads of its events; unknown types pass as they are.
  return event as LiveEvent;
}

function parseObject(text: unknown): Record<string, unknown> | null {
  if (typeof text !== "string") return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
