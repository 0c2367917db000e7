/** What a server sends, as far as a follower looks at it. */
export type IncomingFrame =
  | { readonly kind: "ack"; readonly id: unknown; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind: "event"; readonly event: LiveEvent }
  | { readonly kind: "control"; readonly event: string; readonly data: Readonly<Record<string, unknown>> };

/** An event of the log as it arrived; `from` where it covers more than its own seq. */
export interface LiveEvent {
  readonly type: string;
  readonly seq: number;
  readonly from?: number;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads a text frame; null for what is none of the protocol's. What a newer server adds is left alone. */
export function parseFrame(text: unknown): IncomingFrame | null {
  const frame = parseObject(text);
  if (frame === null) return null;
  const data = isObject(frame.data) ? frame.data : {};
  if ("ack" in frame) return { kind: "ack", id: frame.ack, data };
  const { event, seq, from, at } = frame;
  if (typeof event !== "string") return null;
  if (seq === undefined) return { kind: "control", event, data };
  if (typeof seq !== "number" || !Number.isSafeInteger(seq)) return null;
  const covered = typeof from === "number" ? { from } : {};
  return { kind: "event", event: { type: event, seq, ...covered, at: typeof at === "string" ? at : "", data } };
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
